"""What is kept for a time only, and is then deleted: `manage.py prune` and the hourly task.

As with `accounts.belongings`, each app registers its part when it starts.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session as DjangoSession
from django.db.models import QuerySet
from django.utils import timezone
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from accounts.email_links import LIFETIMES, LinkKind
from accounts.models import Notice, Session, User

logger = logging.getLogger(__name__)

NOTICE_LIFETIME = timedelta(days=2)
# In one transaction.
_BATCH = 500

Rows = QuerySet[Any]


def _delete(rows: Rows) -> None:
    rows.model._default_manager.filter(pk__in=list(rows.values_list("pk", flat=True))).delete()


@dataclass(frozen=True, slots=True)
class Leftovers:
    """One kind of rows. `find` gives those whose time is over, or None where they stay for ever;
    `delete` takes a batch of them away, so that `find` gives them no more.
    """

    name: str
    find: Callable[[], Rows | None]
    delete: Callable[[Rows], object] = _delete


_registered: list[Leftovers] = []


def leftovers_register(*kinds: Leftovers) -> None:
    _registered.extend(kinds)


def leftovers_count() -> dict[str, int]:
    """How many rows of each kind would be deleted now; all kinds that can be."""
    found = {kind.name: kind.find() for kind in _registered}
    return {name: rows.count() for name, rows in found.items() if rows is not None}


def leftovers_prune() -> dict[str, int | None]:
    """Delete what is over; returns how many of each kind, None of one that failed and is logged.

    Safe to run twice, also at once.
    """
    counts: dict[str, int | None] = {}
    for kind in _registered:
        try:
            if (rows := kind.find()) is not None:
                counts[kind.name] = _prune(kind, rows)
        except Exception:  # the others have nothing to do with it
            logger.exception("%s could not be deleted", kind.name)
            counts[kind.name] = None
    return counts


def _prune(kind: Leftovers, rows: Rows) -> int:
    """In batches, and no more than there were: what cannot be deleted must not hold it up."""
    total = before = rows.count()
    while before:
        kind.delete(rows.order_by("pk")[:_BATCH])
        left = rows.all().count()
        if left >= before:
            break
        before = left
    return total - before


def retention_end() -> datetime | None:
    """What was touched last before this is not kept; None where everything is."""
    days = settings.RETENTION_DAYS
    return timezone.now() - timedelta(days=days) if days else None


def _forget_pending(rows: Rows) -> None:
    found = list(rows.values_list("pk", flat=True))
    User.objects.filter(pk__in=found).update(pending_email="", pending_email_at=None)


ACCOUNTS_LEFTOVERS = (
    Leftovers(
        "expired refresh tokens",
        lambda: OutstandingToken.objects.filter(expires_at__lte=timezone.now()),
    ),
    Leftovers(
        "ended sessions",
        lambda: Session.objects.filter(
            last_seen_at__lte=timezone.now() - api_settings.REFRESH_TOKEN_LIFETIME
        ),
    ),
    Leftovers(
        "ended admin sessions",
        lambda: DjangoSession.objects.filter(expire_date__lte=timezone.now()),
    ),
    Leftovers(
        "e-mail addresses never confirmed",
        lambda: User.objects.exclude(pending_email="").filter(
            pending_email_at__lte=timezone.now() - LIFETIMES[LinkKind.VERIFY]
        ),
        _forget_pending,
    ),
    Leftovers(
        "mails that nobody took",
        lambda: Notice.objects.filter(at__lte=timezone.now() - NOTICE_LIFETIME),
    ),
)
