"""How many sockets and streams one owner may have open, over all web processes together.

For each owner a hash in Redis says how many places each web process holds for it; a script counts
and adds in one step. Each process signs a key with a few seconds of life while it holds any: what
a killed process held is forgotten with its key, so that its clients can come back at once.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter
from typing import Literal, get_args

import redis.exceptions
from django.conf import settings

from accounts.per_loop import PerLoop
from accounts.store import async_redis_client, redis_client
from chat.errors import RateLimited
from chat.generation.owner import Owner

logger = logging.getLogger(__name__)

Kind = Literal["socket", "stream"]
MEMBER_PLACES = 8
GUEST_ADDRESS_PLACES = 32  # an address may be a school

LEASE_S = 4.0
_BEAT_S = 1.0
_KEY_LIFE_S = 86_400
_RETRY_AFTER_S = 5
PROCESS_PREFIX = "eugpt:places:process:"
PLACES_PREFIX = "eugpt:places:"

# KEYS: the owner's hash. ARGV: this process, limit, prefix of the process keys, life of the hash.
_TAKE = """
local total = 0
local held = redis.call('HGETALL', KEYS[1])
for i = 1, #held, 2 do
  if held[i] == ARGV[1] or redis.call('EXISTS', ARGV[3] .. held[i]) == 1 then
    total = total + tonumber(held[i + 1])
  else
    redis.call('HDEL', KEYS[1], held[i])
  end
end
if total >= tonumber(ARGV[2]) then
  return 0
end
redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
"""
_GIVE_BACK = """
if redis.call('HINCRBY', KEYS[1], ARGV[1], -1) <= 0 then
  redis.call('HDEL', KEYS[1], ARGV[1])
end
"""


class Place:
    """A place that was taken and is given back exactly once."""

    def __init__(self, places: Places, key: str) -> None:
        self._places = places
        self._key = key
        self._loop = asyncio.get_running_loop()
        self._is_taken = True

    async def give_back(self) -> None:
        if self._is_taken:
            self._is_taken = False
            await self._places.release(self._key)

    def close(self) -> None:
        """Give it back soon; from any thread."""
        if self._is_taken and not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(self.give_back(), self._loop)


class Places:
    """Owns the counts of one event loop and the task that keeps them alive in Redis."""

    def __init__(self) -> None:
        self._process = secrets.token_hex(8)
        self._held: Counter[str] = Counter()
        self._unsure: set[str] = set()  # of which Redis may know another count
        self._task: asyncio.Task[None] | None = None
        redis = async_redis_client()
        self._redis = redis
        self._take = redis.register_script(_TAKE)
        self._give_back = redis.register_script(_GIVE_BACK)

    async def take(self, kind: Kind, owner: Owner) -> Place:
        """A place until it is given back. Raises RateLimited or redis.exceptions.RedisError."""
        key = f"{PLACES_PREFIX}{kind}:{owner.key}"
        limit = MEMBER_PLACES if owner.user else GUEST_ADDRESS_PLACES
        if self._task is None:
            await self._beat()
        if self._task is None:  # nobody else has begun it meanwhile
            self._task = asyncio.create_task(self._keep(), name="places")
        try:
            is_taken = await self._take(
                keys=[key], args=[self._process, limit, PROCESS_PREFIX, _KEY_LIFE_S]
            )
        except BaseException:
            self._unsure.add(key)  # it may have been counted
            raise
        if not is_taken:
            raise RateLimited("Too many connections are open.", retry_after=_RETRY_AFTER_S)
        self._held[key] += 1
        return Place(self, key)

    async def release(self, key: str) -> None:
        self._held[key] -= 1
        if not self._held[key]:
            del self._held[key]
        try:
            await self._give_back(keys=[key], args=[self._process])
        except BaseException as error:
            self._unsure.add(key)
            if not isinstance(error, redis.exceptions.RedisError):
                raise

    async def _keep(self) -> None:
        """Sign this process' key until nothing is held any more."""
        is_answering = True
        while self._held or self._unsure:
            await asyncio.sleep(_BEAT_S)
            try:
                await self._beat()
                is_answering = True
            except Exception:
                if is_answering:
                    logger.warning("the places of this process were not renewed", exc_info=True)
                is_answering = False
        self._task = None

    async def _beat(self) -> None:
        """Renew the key; where Redis has forgotten or may have miscounted, tell it the counts."""
        life_ms = round(LEASE_S * 1000)
        known = await self._redis.set(PROCESS_PREFIX + self._process, 1, px=life_ms, get=True)
        unsure = self._unsure if known else self._unsure | self._held.keys()
        self._unsure = set()
        if not unsure:
            return
        try:
            pipe = self._redis.pipeline(transaction=False)
            for key in unsure:
                if held := self._held.get(key):
                    pipe.hset(key, self._process, str(held))
                    pipe.expire(key, _KEY_LIFE_S)
                else:
                    pipe.hdel(key, self._process)
            await pipe.execute()
        except BaseException:
            self._unsure |= unsure
            raise


def places_forget(owner_key: str) -> None:
    """Forget an owner who will not come back. Blocks on Redis."""
    redis_client().unlink(*(f"{PLACES_PREFIX}{kind}:{owner_key}" for kind in get_args(Kind)))


_places: PerLoop[Places] = PerLoop(Places)


async def place_take(kind: Kind, owner: Owner) -> Place | None:
    """One of the owner's places in this web process; None while limits are off.

    Raises RateLimited or redis.exceptions.RedisError.
    """
    return await _places().take(kind, owner) if settings.LIMITS_ENABLED else None
