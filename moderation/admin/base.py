"""What the pages of the admin share."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

PREVIEW_CHARS = 90
TRANSCRIPT_MAX_MESSAGES = 500

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(ModelAdmin):
    """Rows that people may look at and, with the right, delete; the application writes them."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_view_permission(request, obj) or super().has_change_permission(
            request, obj
        )


def link(instance: Model | None) -> SafeString | str:
    if instance is None:
        return "-"
    meta = instance._meta
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[instance.pk])
    return format_html('<a href="{}">{}</a>', address, str(instance))


def transcript(rows: Iterable[tuple[str, str, str]]) -> SafeString:
    """Role, time and text of each message."""
    row = (
        '<p style="margin:0 0 1em;max-width:52em"><strong>{}</strong> <small>{}</small><br>'
        '<span style="white-space:pre-wrap">{}</span></p>'
    )
    return format_html_join("", row, rows) or SafeString("No messages.")
