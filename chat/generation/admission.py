"""Who may join the queue: one place for REST, SSE, WebSocket and /v1.

Rate and quota are counted in Redis, in one step, the places in the table of generations; both
atomically, so that however many requests meet in however many web processes, exactly the limit is
let in. Guests count twice: as a guest (by cookie), and together with all of their address.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import replace

import redis.exceptions
from django.conf import settings
from django.db import connection

from accounts.limits import LimitState, Use, limit_states, limits_count, limits_give_back
from chat.errors import QueueFull, QuotaExceeded, RateLimited, TooManyReplies
from chat.generation.owner import Owner
from chat.generation.queue import QueuePlace, queue_end, slots_known
from chat.models import UNFINISHED, Generation

logger = logging.getLogger(__name__)

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


def prompt_count(owner: Owner) -> None:
    """Count one prompt of the owner, by rate and for the day, or by none where one of them is used
    up. Raises RateLimited or QuotaExceeded.
    """
    refusal = limits_count([*_rates(owner), *_quotas(owner)])
    if refusal is None:
        return
    if refusal.use in _quotas(owner):
        raise QuotaExceeded(limit=refusal.limit, retry_after=refusal.retry_after)
    raise RateLimited(retry_after=refusal.retry_after)


def prompt_give_back(owner: Owner) -> None:
    """What came to nothing costs nothing of the day's quota; the rate has counted it."""
    try:
        limits_give_back(_quotas(owner))
    except redis.exceptions.RedisError:
        logger.warning("a prompt that came to nothing was counted", exc_info=True)


def quota_states(owner: Owner) -> dict[str, LimitState]:
    """What the owner has left, by name, counting nothing; nothing while limits are off."""
    if not settings.LIMITS_ENABLED:
        return {}
    rates, quotas = limit_states(_rates(owner)), limit_states(_quotas(owner))
    found = {"prompts_per_minute": _tightest(rates), "prompts_per_day": _tightest(quotas)}
    limit = _share(owner)
    left = max(0, limit - _own_unfinished(owner))
    found["running"] = LimitState(limit, left, 0.0, 0)
    return {name: state for name, state in found.items() if state is not None}


def _rates(owner: Owner) -> list[Use]:
    if owner.user is not None:
        return [Use("prompt", owner.key)]
    own = [Use("guest_prompt", key) for key in owner.guest_keys]
    return [*own, Use("guest_address", owner.key)]


def _quotas(owner: Owner) -> list[Use]:
    if owner.user is not None:
        return [Use(f"{owner.role}_quota", owner.key)]
    own = [Use("guest_quota", key) for key in owner.guest_keys]
    return [*own, Use("guest_address_quota", owner.key)]


def _tightest(states: Sequence[LimitState | None]) -> LimitState | None:
    """Of the guest's own limit and that of all guests of the address: what is left of both."""
    known = [state for state in states if state is not None]
    if not known:
        return None
    least = min(known, key=lambda state: state.remaining)
    return replace(least, limit=known[0].limit)


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
    if _own_unfinished(owner) >= _share(owner):
        raise TooManyReplies(retry_after=max(1, math.ceil(place.eta_s)))


def _share(owner: Owner) -> int:
    limit: int = settings.QUEUE_LIMIT_MEMBER if owner.user else settings.QUEUE_LIMIT_GUEST
    return limit


def _own_unfinished(owner: Owner) -> int:
    return Generation.objects.filter(owner_key=owner.key, status__in=UNFINISHED).count()
