"""Rate limits and quotas, counted atomically in Redis, for REST, SSE and WebSocket alike.

Of each key the moments of its last uses are kept, newest first: a window that moves with time, and
exact. Several limits are counted in one step: all of them or, where one is used up, none.
"""

import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from limits import RateLimitItem, parse

from accounts.errors import ApiError, RateLimited
from accounts.store import redis_client

KEY_PREFIX = "eugpt:limit:"

# KEYS: lists of moments. ARGV: of each list how many uses in how many ms. The clock is Redis' own,
# the same for all web processes. Answers which list is used up (from 1, 0 for none; of several
# the one that takes longest) and how many ms that takes.
_HIT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local full, wait_ms = 0, 0
for i, key in ipairs(KEYS) do
  local last = redis.call('LINDEX', key, ARGV[2 * i - 1] - 1)
  local left = last and last + ARGV[2 * i] - now or 0
  if left > wait_ms then
    full, wait_ms = i, left
  end
end
if full == 0 then
  for i, key in ipairs(KEYS) do
    redis.call('LPUSH', key, now)
    redis.call('LTRIM', key, 0, ARGV[2 * i - 1] - 1)
    redis.call('PEXPIRE', key, ARGV[2 * i])
  end
end
return {full, wait_ms}
"""
# KEYS and ARGV: the same. Answers of each list how many uses are in its window and in how many ms
# the oldest of them leaves it.
_STATE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local states = {}
for i, key in ipairs(KEYS) do
  local first_ms, low, high = now - ARGV[2 * i], 0, redis.call('LLEN', key)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if tonumber(redis.call('LINDEX', key, middle)) > first_ms then
      low = middle + 1
    else
      high = middle
    end
  end
  local used = math.min(low, tonumber(ARGV[2 * i - 1]))
  local reset_ms = used > 0 and redis.call('LINDEX', key, used - 1) - first_ms or 0
  states[2 * i - 1], states[2 * i] = used, reset_ms
end
return states
"""


@dataclass(frozen=True, slots=True)
class Use:
    """One use of the limit `settings.RATE_LIMITS[name]` by `key`; where that is "", of none."""

    name: str
    key: str

    @property
    def rate(self) -> RateLimitItem | None:
        text = settings.RATE_LIMITS[self.name]
        return _parsed(text) if text else None

    @property
    def redis_key(self) -> str:
        return f"{KEY_PREFIX}{self.name}:{self.key}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Which limit is used up, and in how many seconds it is not any more."""

    use: Use
    limit: int
    retry_after: int


@dataclass(frozen=True, slots=True)
class LimitState:
    """How many uses a window allows, how many are left, and when the oldest of them comes back."""

    limit: int
    remaining: int
    reset_s: float
    window_s: int


def limits_count(uses: Sequence[Use]) -> Refusal | None:
    """Count one use of each limit, or none where one is used up: then it says which.

    Does nothing while limits are off. Blocks on Redis: from asynchronous code call it in a thread.
    """
    limited = _limited(uses)
    if not limited:
        return None
    full, wait_ms = _run(_HIT, limited)
    if not full:
        return None
    use, rate = limited[full - 1]
    return Refusal(use, rate.amount, max(1, math.ceil(wait_ms / 1000)))


def limits_give_back(uses: Sequence[Use]) -> None:
    """Take back the newest use of each limit. Blocks on Redis."""
    limited = _limited(uses)
    if limited:
        pipe = redis_client().pipeline()
        for use, _ in limited:
            pipe.lpop(use.redis_key)
        pipe.execute()


def limit_states(uses: Sequence[Use]) -> list[LimitState | None]:
    """What is left of each limit, counting nothing; None for none. Blocks on Redis."""
    limited = _limited(uses)
    answer = _run(_STATE, limited) if limited else []
    known = {
        use: LimitState(rate.amount, rate.amount - used, reset_ms / 1000, rate.get_expiry())
        for (use, rate), used, reset_ms in zip(limited, answer[::2], answer[1::2], strict=True)
    }
    return [known.get(use) for use in uses]


def limit_hit(*, name: str, key: str, error: type[ApiError] = RateLimited) -> None:
    """Count one use of a limit; raises RateLimited, or another error, with `retry_after`.

    Blocks on Redis.
    """
    if refusal := limits_count([Use(name, key)]):
        raise error(retry_after=refusal.retry_after)


def limit_state(*, name: str, key: str) -> LimitState | None:
    """What is left of a limit, counting nothing; None while limits are off. Blocks on Redis."""
    return limit_states([Use(name, key)])[0]


def limit_forget(*, name: str, key: str) -> None:
    """Forget what was counted of `key` under this name. Blocks on Redis."""
    redis_client().unlink(Use(name, key).redis_key)


def limits_forget(*, key: str) -> None:
    """Forget what was counted of `key`, under every name. Blocks on Redis."""
    redis_client().unlink(*(Use(name, key).redis_key for name in settings.RATE_LIMITS))


def _limited(uses: Sequence[Use]) -> list[tuple[Use, RateLimitItem]]:
    if not settings.LIMITS_ENABLED:
        return []
    return [(use, rate) for use in uses if (rate := use.rate) is not None]


def _run(script: str, limited: Sequence[tuple[Use, RateLimitItem]]) -> list[int]:
    keys = [use.redis_key for use, _ in limited]
    numbers = [n for _, rate in limited for n in (rate.amount, rate.get_expiry() * 1000)]
    answer: Any = _script(script)(keys=keys, args=numbers)
    return [int(number) for number in answer]


@cache
def _script(text: str) -> Any:
    return redis_client().register_script(text)


@cache
def _parsed(text: str) -> RateLimitItem:
    return parse(text)


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
