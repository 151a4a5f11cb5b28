"""Every route of the admin, made from its table: a new one is attacked by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import User

# Of Django's own admin; they only lead on.
_LEFT_OUT = {"view_on_site", "app_list", "password_change_done"}


def routes() -> dict[str, str]:
    """Address of each named route, with the newest row where it is about one."""
    found: dict[str, str] = {}
    for pattern in _patterns(get_resolver().url_patterns):
        if pattern.name and pattern.name not in _LEFT_OUT:
            names = list(pattern.pattern.converters)
            args = [_row(pattern.name, name) for name in names]
            if None not in args:
                found[pattern.name] = reverse(
                    f"admin:{pattern.name}", kwargs=dict(zip(names, args, strict=True))
                )
    return found


def _patterns(table: list[Any], *, is_admin: bool = False) -> Iterator[URLPattern]:
    for entry in table:
        if isinstance(entry, URLResolver):
            inside = is_admin or entry.app_name == "admin"
            yield from _patterns(entry.url_patterns, is_admin=inside)
        elif is_admin:
            yield entry


def _row(route: str, argument: str) -> Any:
    """The row that a route is about; None where there is none."""
    if argument == "user_id" or route == "auth_user_password_change":
        return User.objects.order_by("-pk").values_list("pk", flat=True).first()
    model = next((m for m in admin.site._registry if _is_about(route, m)), None)
    if model is None:
        return None
    return model._default_manager.order_by("-pk").values_list("pk", flat=True).first()


def _is_about(route: str, model: Any) -> bool:
    return route.startswith(f"{model._meta.app_label}_{model._meta.model_name}_")
