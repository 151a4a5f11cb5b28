"""Whether an account is locked out, why and until when; a suspension whose time is over is lifted
by whoever looks first, and once a minute by a task (`accounts.tasks`).

Locking out and letting in again: `user_suspend` and `user_reactivate` in `accounts.services`.
"""

from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from accounts.errors import Suspended
from accounts.models import User

LIFTED = {
    "is_active": True,
    "suspended_at": None,
    "suspended_until": None,
    "suspension_reason": "",
}


def is_suspended(*, is_active: bool, until: datetime | None) -> bool:
    """Whether these fields of a user lock out at this moment."""
    return not is_active and (until is None or until > timezone.now())


def suspended_error(*, reason: str, until: datetime | None) -> Suspended:
    """What a suspended user is told."""
    detail = str(Suspended.default_detail)
    if until is not None:
        detail = f"This account is suspended until {until:%Y-%m-%d %H:%M} UTC."
    if reason:
        detail = f"{detail} Reason: {reason}"
    at = None if until is None else until.isoformat().replace("+00:00", "Z")
    return Suspended(detail, reason=reason, until=at)


def suspension_check(user: User) -> None:
    """Raise Suspended for who is; lift a suspension whose time is over, in row and object."""
    if user.is_active:
        return
    if is_suspended(is_active=False, until=user.suspended_until):
        raise suspended_error(reason=user.suspension_reason, until=user.suspended_until)
    if not _over().filter(pk=user.pk).update(**LIFTED):
        # Somebody has suspended or lifted at this moment: the row knows.
        user.refresh_from_db(fields=list(LIFTED))
        if not user.is_active:
            raise suspended_error(reason=user.suspension_reason, until=user.suspended_until)
    for name, value in LIFTED.items():
        setattr(user, name, value)


def suspensions_lift() -> int:
    """Lift every suspension whose time is over; returns how many. Safe to run twice."""
    return _over().update(**LIFTED)


def _over() -> QuerySet[User]:
    return User.objects.filter(is_active=False, suspended_until__lte=timezone.now())
