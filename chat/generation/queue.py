"""Where a waiting generation stands, and how long that may take."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from chat.models import Generation, Status

_RECENT = 20
_DEFAULT_REPLY_S = 2.0
_FUTURE = timedelta(days=1)  # whatever the clocks of other machines say

_LOOK = """
SELECT
    (SELECT count(*) FROM chat_generation WHERE status = %s AND queued_at < %s),
    (SELECT avg(finished_at - started_at) FROM (
        SELECT started_at, finished_at FROM chat_generation
        WHERE status = %s AND started_at IS NOT NULL ORDER BY queued_at DESC LIMIT %s
    ) AS recent)
"""


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """position counts from 1; eta_s is an estimate from the measured pace."""

    position: int
    eta_s: float

    def to_dict(self) -> dict[str, float]:
        return asdict(self)


def queue_place(generation: Generation) -> QueuePlace:
    """The place of a queued generation; one short query."""
    return _place(generation.queued_at)


def queue_end() -> QueuePlace:
    """The place of one that would join now; one short query."""
    return _place(timezone.now() + _FUTURE)


def _place(before: datetime) -> QueuePlace:
    """The place behind those queued earlier.

    The line moves by one in a recent reply's time, shared by the slots. Django's own query took
    a tenth of what a prompt costs the web process.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, [Status.QUEUED, before, Status.COMPLETED, _RECENT])
        ahead, average = cursor.fetchone()
    pace = (average.total_seconds() if average else _DEFAULT_REPLY_S) / settings.SLOTS
    return QueuePlace(ahead + 1, round((ahead + 1) * pace, 1))
