"""What stands in the navigation: the pages that this person may see, grouped for people at work."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.urls import reverse

from chat.models import Report, ReportState

COUNT_MAX = 99
RESET_RIGHT = "moderation.reset_second_factor"


@dataclass(frozen=True, slots=True)
class Item:
    """`model`: a registered row ("chat.report"); else `view` and the permission that it asks."""

    name: str
    icon: str
    model: str = ""
    view: str = ""
    permission: str = ""
    count: Callable[[], int] | None = None


def reports_open() -> int:
    """Not counted further than the badge can tell."""
    return Report.objects.filter(state=ReportState.OPEN)[: COUNT_MAX + 1].count()


GROUPS: tuple[tuple[str, tuple[Item, ...]], ...] = (
    (
        "Moderation",
        (
            Item("Reports", "flag", "chat.report", count=reports_open),
            Item("Users", "users", "accounts.user"),
            Item("Conversations", "messages-square", "chat.conversation"),
            Item("Safety rules", "shield-check", "chat.safetyrule"),
            Item("Feedback", "thumbs-up", "chat.feedback"),
        ),
    ),
    (
        "Operation",
        (
            Item("Dashboard", "layout-dashboard", view="admin:index"),
            Item("Workers", "server", view="admin:workers", permission="moderation.view_workers"),
            Item("Generations", "activity", "chat.generation"),
            Item("Checkpoints", "box", "inference.checkpoint"),
        ),
    ),
    (
        "Records",
        (
            Item("Staff", "lock-keyhole", view="admin:staff", permission=RESET_RIGHT),
            Item("Audit log", "scroll-text", "moderation.auditentry"),
            Item("Shares", "share-2", "chat.share"),
            Item("API keys", "key-round", "accounts.apikey"),
            Item("Messages", "message-square", "chat.message"),
        ),
    ),
)


def navigation(site: AdminSite, request: HttpRequest) -> list[dict[str, Any]]:
    """Groups with the entries that the person may see; empty groups are left out."""
    groups = []
    for name, items in GROUPS:
        shown = [entry for item in items if (entry := _entry(site, request, item))]
        if shown:
            groups.append({"name": name, "items": shown})
    return groups


def _entry(site: AdminSite, request: HttpRequest, item: Item) -> dict[str, Any] | None:
    address = _address(site, request, item)
    if address is None:
        return None
    is_index = item.view == "admin:index"
    here = request.path == address if is_index else request.path.startswith(address)
    count = item.count() if item.count else 0
    shown = f"{COUNT_MAX}+" if count > COUNT_MAX else str(count or "")
    return {
        "name": item.name,
        "icon": item.icon,
        "url": address,
        "is_here": here,
        "count": shown,
    }


def _address(site: AdminSite, request: HttpRequest, item: Item) -> str | None:
    """None where the row is not there, or not for this person."""
    if item.view:
        allowed = not item.permission or request.user.has_perm(item.permission)
        return reverse(item.view) if allowed else None
    try:
        model: Any = apps.get_model(item.model)
    except LookupError:
        return None
    if not site.is_registered(model):
        return None
    if not site.get_model_admin(model).has_view_permission(request):
        return None
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
