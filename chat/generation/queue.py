"""Where a waiting generation stands, and how long that may take."""

from __future__ import annotations

import heapq
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cached_property
from statistics import fmean

import redis.exceptions
from django.conf import settings
from django.db import connection
from django.utils import timezone

from chat.generation.workers import workers_alive
from chat.models import Generation, Status

logger = logging.getLogger(__name__)

_RECENT = 12
_RUNNING_MAX = 512
# Beyond the limit of the queue: those that lost their worker are queued again.
_LINE_MAX = 512
_DEFAULT_REPLY_S = 2.0
# What is left of a reply that has already taken longer than most: a part of the usual time.
_OVERDUE = 0.25
_SLOTS_LIFE_S = 2.0
_FUTURE = timedelta(days=1)  # whatever the clocks of other machines say

# How long those that run have run, and how long recent ones took. Newest by `queued_at` because
# that has an index; a queue is in order, so they are the newest by their end, too. What no worker
# has written (an import, a branch that ended where it began) took no time.
_PACE = """
    (SELECT array_agg(extract(epoch FROM now() - started_at)::float8) FROM (
        SELECT started_at FROM chat_generation WHERE status = %s LIMIT %s) AS running),
    (SELECT array_agg(extract(epoch FROM finished_at - started_at)::float8) FROM (
        SELECT started_at, finished_at FROM chat_generation
        WHERE status = %s AND started_at < finished_at ORDER BY queued_at DESC LIMIT %s
    ) AS recent)
"""
_PACE_ARGUMENTS = (Status.RUNNING, _RUNNING_MAX, Status.COMPLETED, _RECENT)
_AHEAD = f"""
SELECT (SELECT count(*) FROM chat_generation WHERE status = %s AND queued_at < %s), {_PACE}
"""
_LINE = f"""
SELECT (SELECT array_agg(id::text ORDER BY queued_at, id) FROM (
    SELECT id, queued_at FROM chat_generation WHERE status = %s
    ORDER BY queued_at, id LIMIT %s) AS line), {_PACE}
"""


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """position counts from 1; eta_s is an estimate of the time until its turn."""

    position: int
    eta_s: float

    def to_dict(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True)
class Pace:
    """How quickly slots become free: what runs for how long, and what a reply usually takes."""

    ages: Sequence[float]
    took: Sequence[float]
    slots: int

    @cached_property
    def reply_s(self) -> float:
        """What a reply takes. Those that run for longer count, too: nothing may ever end again.

        Were the longest of them the measure, estimates would jump whenever many end together.
        """
        took = self.took or [_DEFAULT_REPLY_S]
        usual = fmean(took)
        return fmean([*took, *(age for age in self.ages if age > usual)])

    def waits(self, count: int) -> list[float]:
        """Seconds until the turn of each of the first `count` in the line.

        Plays the line through: each takes the slot that is free first, for as long as replies
        take.
        """
        free = [max(self.reply_s - age, self.reply_s * _OVERDUE) for age in self.ages]
        free += [0.0] * (self.slots - len(free))
        heapq.heapify(free)
        waits = []
        for _ in range(count):
            waits.append(free[0])
            heapq.heapreplace(free, free[0] + self.reply_s)
        return waits

    def place(self, position: int) -> QueuePlace:
        return QueuePlace(position, round(self.waits(position)[-1], 1))


def queue_place(generation: Generation) -> QueuePlace:
    """The place of a queued generation; one short query."""
    return _place(generation.queued_at)


def queue_end() -> QueuePlace:
    """The place of one that would join now; one short query."""
    return _place(timezone.now() + _FUTURE)


def _place(before: datetime) -> QueuePlace:
    """The place behind those queued earlier. Django's own query took a tenth of what a prompt
    costs the web process.
    """
    with connection.cursor() as cursor:
        cursor.execute(_AHEAD, [Status.QUEUED, before, *_PACE_ARGUMENTS])
        ahead, ages, took = cursor.fetchone()
    return Pace(ages or [], took or [], slots_known()).place(ahead + 1)


def queue_line() -> dict[str, QueuePlace]:
    """The places of all that wait, by id; one query."""
    with connection.cursor() as cursor:
        limit = settings.QUEUE_LIMIT + _LINE_MAX
        cursor.execute(_LINE, [Status.QUEUED, limit, *_PACE_ARGUMENTS])
        ids, ages, took = cursor.fetchone()
    ids = ids or []
    waits = Pace(ages or [], took or [], slots_known()).waits(len(ids))
    return {
        name: QueuePlace(position, round(wait, 1))
        for position, (name, wait) in enumerate(zip(ids, waits, strict=True), 1)
    }


_slots_known = 0
_slots_until = 0.0


def slots_known() -> int:
    """The slots of all living workers; asked of Redis every 2 s at most."""
    global _slots_known, _slots_until
    if time.monotonic() >= _slots_until:
        _slots_until = time.monotonic() + _SLOTS_LIFE_S
        try:
            _slots_known = sum(worker.slots for worker in workers_alive().values())
        except redis.exceptions.RedisError as error:
            logger.warning("the workers' slots are not known: %s", error)
    return _slots_known or settings.SLOTS
