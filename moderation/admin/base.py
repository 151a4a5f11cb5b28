"""What the pages of the admin share."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from moderation.admin.lists import BoundedPaginator
from moderation.audit import acts_of, record
from moderation.models import AuditEntry

PREVIEW_CHARS = 90
TRANSCRIPT_MAX_MESSAGES = 500
NOTHING = SafeString("No messages.")

if TYPE_CHECKING:
    DjangoModelAdmin = admin.ModelAdmin[Any]
else:
    DjangoModelAdmin = admin.ModelAdmin

AT_ONCE_MAX = 500
_HISTORY_MAX = 200
_IDS_MAX = 100


class Audited(DjangoModelAdmin):
    """Part of every ModelAdmin: what it does is written into the audit log.

    An action that says more (a reason) calls `self.audit`; one that does not is written as a whole.
    Django's own LogEntry, which goes with the account of its author, is not written any more.
    """

    # The first half of the actions' names: "user" of "user.suspend".
    audit_kind = ""
    list_per_page = 50
    show_full_result_count = False
    # Actions that have a limit of their own.
    bounded_actions: tuple[str, ...] = ()
    paginator = BoundedPaginator

    def audit(
        self, request: HttpRequest, verb: str, target: Model | str = "", detail: Any = None
    ) -> AuditEntry:
        kind = self.audit_kind or str(self.opts.model_name)
        return record(request, f"{kind}.{verb}", target, detail)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """By what the page's filters offer. Django lets an address ask for any column of the row:
        texts could be searched without the right to read them, and nothing in the log.
        """
        offered = [_parameter(one) for one in self.list_filter]
        is_offered = any(lookup == name or lookup.startswith(f"{name}__") for name in offered)
        return is_offered and super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        return self.audit(request, "add", obj)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """The names of the fields that changed; never what stands in them."""
        if isinstance(message, str):
            return self.audit(request, "change", obj, {"what": message})
        names = [name for part in message for name in part.get("changed", {}).get("fields", [])]
        return self.audit(request, "change", obj, {"fields": names})

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        return [self.audit(request, "delete", row) for row in queryset]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = {**super().get_actions(request)}
        for name, (func, _, words) in actions.items():
            if name != "delete_selected":  # which writes each row itself
                actions[name] = (_written(func, name), name, words)
        return actions

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **more: Any
    ) -> HttpResponse | None:
        """Each row takes its time and the page waits for all of them: too many are refused."""
        if request.POST.get("action") in self.bounded_actions or not _is_too_many(
            request, queryset
        ):
            return super().response_action(request, queryset, *args, **more)
        told = f"At most {AT_ONCE_MAX} at a time: choose fewer, or filter. Nothing was done."
        self.message_user(request, told, messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Django's page asks LogEntry; ours asks the audit log."""
        entries = AuditEntry.objects.filter(
            target_type=self.opts.label_lower, target_id=object_id
        ).order_by("-at", "-id")[:_HISTORY_MAX]
        return super().history_view(request, object_id, {"entries": entries})


def _is_too_many(request: HttpRequest, rows: QuerySet[Any]) -> bool:
    if request.POST.get("select_across") != "1":
        return len(request.POST.getlist("_selected_action")) > AT_ONCE_MAX
    return len(rows.order_by().values_list("pk", flat=True)[: AT_ONCE_MAX + 1]) > AT_ONCE_MAX


def _parameter(list_filter: Any) -> str:
    """What a filter is called in an address."""
    name = list_filter[0] if isinstance(list_filter, tuple | list) else list_filter
    return name if isinstance(name, str) else str(name.parameter_name)


def _written(action: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The action, written as a whole if it has ended without writing anything itself."""

    @wraps(action)
    def run(model_admin: Audited, request: HttpRequest, rows: QuerySet[Any]) -> Any:
        before = acts_of(request)
        ids = [str(pk) for pk in rows.values_list("pk", flat=True)[:_IDS_MAX]]
        response = action(model_admin, request, rows)
        if response is None and acts_of(request) == before:
            about = str(model_admin.opts.verbose_name_plural)
            model_admin.audit(request, name, about, {"ids": ids})
        return response

    return run


class ModelAdmin(Audited):
    """The base of the admin's pages."""


class ReadOnlyAdmin(ModelAdmin):
    """Rows that people may look at and, with the right, delete; the application writes them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_view_permission(request, obj) or super().has_change_permission(
            request, obj
        )


def link(instance: Model | None, text: str = "") -> SafeString | str:
    if instance is None:
        return "-"
    meta = instance._meta
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[instance.pk])
    return format_html('<a href="{}">{}</a>', address, text or str(instance))


def transcript(rows: Iterable[tuple[str, str, str]]) -> SafeString:
    """Role, time and text of each message, as bubbles."""
    row = (
        '<li class="bubble {0}"><div class="bubble-top row"><b>{0}</b>'
        ' <span class="quiet">{1}</span></div><div class="bubble-text">{2}</div></li>'
    )
    shown = format_html_join("", row, rows)
    return format_html('<ol class="transcript">{}</ol>', shown) if shown else NOTHING
