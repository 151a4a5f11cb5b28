"""Rows that belong to a user: what may be done to them is asked of whose they are."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts.models import User
from moderation.powers import may_touch


def may_touch_of(actor: Any, owner: User) -> bool:
    """Whether `actor` may change what is `owner`'s, rights granted: the own things, too."""
    return actor.pk == owner.pk or may_touch(actor, owner)


class Belongings:
    """Part of a ModelAdmin; `owner_path` leads from a row to its user."""

    owner_path = "user"

    def may_touch_row(self, request: HttpRequest, row: Any) -> bool:
        return may_touch_of(request.user, attrgetter(self.owner_path)(row))

    def check_row(self, request: HttpRequest, row: Any) -> None:
        if not self.may_touch_row(request, row):
            raise PermissionDenied

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if not super().has_delete_permission(request, obj):  # type: ignore[misc]
            return False
        return obj is None or self.may_touch_row(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Asked before anything is deleted, or written into the log as such."""
        found = super().get_deleted_objects(objs, request)  # type: ignore[misc]
        if not all(self.may_touch_row(request, row) for row in objs):
            found[2].add("what belongs to staff above you")
        return found
