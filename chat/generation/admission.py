"""Who may join the queue: one place for REST, SSE, WebSocket and /v1.

The rate is counted in Redis, the places in the table of generations; both atomically, so that
however many requests meet in however many web processes, exactly the limit is let in.
"""

from __future__ import annotations

import math

from django.conf import settings
from django.db import connection

from accounts.limits import limit_hit
from chat.errors import QueueFull, TooManyReplies
from chat.generation.owner import Owner
from chat.generation.queue import QueuePlace, queue_end, slots_known
from chat.models import UNFINISHED, Generation

# Any number, so long as nothing else of EuGPT locks by it.
_QUEUE_LOCK = 0x45554750
# A web process may stand still with the lock in its hand: PostgreSQL then takes it away before
# those who wait for it give up.
HOLD_MS, WAIT_MS = 4000, 8000
_LOCK = """
SET LOCAL idle_in_transaction_session_timeout = %s;
SET LOCAL lock_timeout = %s;
SELECT pg_advisory_xact_lock(%s)
"""


def rate_check(owner: Owner) -> None:
    """Count one prompt of the owner; raises RateLimited."""
    limit_hit(name="prompt" if owner.user else "guest_prompt", key=owner.key)


def queue_join(owner: Owner) -> QueuePlace:
    """The place of a generation that the caller inserts next, in the same transaction.

    Until that ends nobody else joins, so two cannot take the last place: about a millisecond,
    far less than a reply takes. Raises QueueFull or TooManyReplies.
    """
    place = _locked_end()
    if place.position > settings.QUEUE_LIMIT:
        raise QueueFull(retry_after=max(1, round(place.eta_s / 2)))
    if settings.LIMITS_ENABLED:
        _check_share(owner, place)
    return place


def share_check(owner: Owner) -> None:
    """Whether one more that waits or runs may become the owner's, in the same transaction.

    Raises TooManyReplies.
    """
    place = _locked_end()
    if settings.LIMITS_ENABLED:
        _check_share(owner, place)


def _locked_end() -> QueuePlace:
    """The place of whoever joins next; nobody else joins until the transaction ends."""
    slots_known()  # asks Redis now and then: not while everybody waits
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [HOLD_MS, WAIT_MS, _QUEUE_LOCK])
    return queue_end()


def _check_share(owner: Owner, place: QueuePlace) -> None:
    limit = settings.QUEUE_LIMIT_MEMBER if owner.user else settings.QUEUE_LIMIT_GUEST
    own = Generation.objects.filter(owner_key=owner.key, status__in=UNFINISHED).count()
    if own >= limit:
        raise TooManyReplies(retry_after=max(1, math.ceil(place.eta_s)))
