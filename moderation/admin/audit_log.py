"""The audit log: searched and filtered; nobody writes or deletes here."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.models import User
from moderation.admin.base import ReadOnlyAdmin
from moderation.models import AuditEntry

BAD = ("suspend", "delete", "failed", "hide", "erase")


class ActorFilter(admin.SimpleListFilter):
    """Those of the staff who are in the log, not all users."""

    title = "who"
    parameter_name = "actor"
    _shown_max = 50

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        staff = User.objects.filter(audit_entries__isnull=False).distinct().order_by("username")
        return [
            (str(pk), name) for pk, name in staff.values_list("pk", "username")[: self._shown_max]
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        chosen = self.value()
        return queryset.filter(actor=chosen) if chosen and chosen.isdigit() else queryset


@admin.register(AuditEntry)
class AuditAdmin(ReadOnlyAdmin):
    """A record of what was done, so without the right to add, change or delete."""

    list_display = ["at", "who", "act", "about", "more"]
    list_display_links = ["at"]
    list_filter = ["at", ActorFilter, "action"]
    search_fields = ["action", "actor_name", "target_name", "target_id__exact", "request_id__exact"]
    search_help_text = "Who, what, about whom, or the id of a request"
    ordering = ["-at", "-id"]
    actions = None
    fields = ["at", "who", "act", "about", "more", "request_id"]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        lead = "Everything the staff did, newest first. Nobody can change or delete it."
        return super().changelist_view(
            request, {"page_title": "Audit log", "page_lead": lead, **(extra_context or {})}
        )

    @admin.display(description="who", ordering="actor_name")
    def who(self, entry: AuditEntry) -> str:
        return entry.actor_name

    @admin.display(description="what", ordering="action")
    def act(self, entry: AuditEntry) -> SafeString:
        tone = " bad" if entry.action.split(".")[-1].endswith(BAD) else ""
        return format_html('<span class="badge{}">{}</span>', tone, entry.action)

    @admin.display(description="about", ordering="target_name")
    def about(self, entry: AuditEntry) -> SafeString | str:
        address = _address(entry)
        if address is None:
            return entry.target_name or "-"
        return format_html('<a href="{}">{}</a>', address, entry.target_name)

    @admin.display(description="details")
    def more(self, entry: AuditEntry) -> SafeString | str:
        pairs = ((name.replace("_", " "), _words(value)) for name, value in entry.detail.items())
        told = format_html_join(" ", '<span class="pair"><b>{}</b> {}</span>', pairs)
        # One box: on narrow screens a cell is a row of boxes that do not break.
        return format_html('<span class="pairs">{}</span>', told) if told else "-"


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _address(entry: AuditEntry) -> str | None:
    """Where the target stands in the admin; it may be gone since."""
    try:
        model = apps.get_model(entry.target_type)
        if entry.action.endswith(".delete") or not admin.site.is_registered(model):
            return None
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
        return reverse(name, args=[entry.target_id])
    except (LookupError, ValueError, NoReverseMatch):
        return None
