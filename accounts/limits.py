"""Rate limits, counted atomically in Redis, for REST, SSE and WebSocket alike."""

import ipaddress
import math
import time
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from limits import parse
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter

from accounts.errors import ApiError, RateLimited
from accounts.store import TIMEOUT_S


@cache
def _limiter() -> MovingWindowRateLimiter:
    storage = RedisStorage(
        settings.REDIS_URL,
        key_prefix="eugpt:limit",
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
    )
    return MovingWindowRateLimiter(storage)


def limit_hit(*, name: str, key: str, error: type[ApiError] = RateLimited) -> None:
    """Count one use of the limit `settings.RATE_LIMITS[name]` by `key`.

    Raises RateLimited, or another error, with `retry_after`. Does nothing while limits are off.
    Blocks on Redis: from asynchronous code call it in a thread.
    """
    if not settings.LIMITS_ENABLED:
        return
    rate = parse(settings.RATE_LIMITS[name])
    if _limiter().hit(rate, name, key):
        return
    reset_time, _ = _limiter().get_window_stats(rate, name, key)
    raise error(retry_after=max(1, math.ceil(reset_time - time.time())))


def limit_forget(*, name: str, key: str) -> None:
    """Forget what was counted of `key` under this name. Blocks on Redis."""
    _limiter().clear(parse(settings.RATE_LIMITS[name]), name, key)


def limits_forget(*, key: str) -> None:
    """Forget what was counted of `key`, under every name. Blocks on Redis."""
    for name, rate in settings.RATE_LIMITS.items():
        _limiter().clear(parse(rate), name, key)


@dataclass(frozen=True, slots=True)
class LimitState:
    """How many uses a window allows, how many are left, and when the oldest of them comes back."""

    limit: int
    remaining: int
    reset_s: float


def limit_state(*, name: str, key: str) -> LimitState | None:
    """What is left of a limit, counting nothing; None while limits are off. Blocks on Redis."""
    if not settings.LIMITS_ENABLED:
        return None
    rate = parse(settings.RATE_LIMITS[name])
    reset_time, remaining = _limiter().get_window_stats(rate, name, key)
    is_unused = remaining >= rate.amount
    return LimitState(
        rate.amount, remaining, 0.0 if is_unused else max(0, reset_time - time.time())
    )


def address_key(address: str | None) -> str:
    """A client address as a limit key; IPv6 counts by /64, which is what one client gets."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if parsed.version == 4:
        return str(parsed)
    mapped = parsed.ipv4_mapped
    return str(mapped or ipaddress.ip_network((parsed, 64), strict=False))
