"""Whom of the users a member of the staff may touch: nobody above, and never oneself."""

from typing import Any

from accounts.models import User
from moderation.roles import is_admin


def may_touch(actor: Any, target: User) -> bool:
    """Whether `actor` may suspend, sign out or delete `target`, rights granted.

    Staff is touched by admins only, superusers by superusers only.
    """
    if not isinstance(actor, User) or actor.pk == target.pk:
        return False
    if target.is_superuser:
        return actor.is_superuser
    return not target.is_staff or is_admin(actor)
