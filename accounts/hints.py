"""Hints to what a user has open in any web process, over Redis pub/sub.

One connection for each web process hears all of them. They may be lost; nothing depends on one.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import redis.asyncio
import redis.exceptions
from django.conf import settings

from accounts.per_loop import PerLoop
from accounts.store import KEEPALIVE, TIMEOUT_S, redis_client

logger = logging.getLogger(__name__)

CHANNEL = "eugpt:hints"
SUSPENDED_HINT = "account.suspended"
SESSION_ENDED_HINT = "session.ended"
_RETRY_S = 0.5

# Called on the loop with the kind and the data of a hint; must return at once.
Listener = Callable[[str, dict[str, Any]], None]


def user_hint(*, user_id: int, kind: str, **data: Any) -> None:
    """Tell the user's listeners. From synchronous code, after commit."""
    try:
        redis_client().publish(CHANNEL, json.dumps([user_id, kind, data]))
    except redis.exceptions.RedisError:
        logger.warning("a %s hint for user %s was not sent", kind, user_id, exc_info=True)


class HintHub:
    """Owns the connection and the table of listeners of one event loop."""

    def __init__(self) -> None:
        self._redis = redis.asyncio.Redis.from_url(
            settings.REDIS_URL,
            decode_responses=True,
            socket_connect_timeout=TIMEOUT_S,
            **KEEPALIVE,
            health_check_interval=10,
        )
        self._listeners: dict[int, set[Listener]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def listen(self, user_id: int, listener: Listener) -> Iterator[None]:
        """Hear the hints for this user. The connection, once made, is kept."""
        self._listeners[user_id].add(listener)
        if self._task is None:
            self._task = asyncio.create_task(self._hear(), name="hints")
        try:
            yield
        finally:
            self._listeners[user_id].discard(listener)
            if not self._listeners[user_id]:
                del self._listeners[user_id]

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._redis.aclose()

    async def _hear(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(CHANNEL)
                    async for message in pubsub.listen():
                        if message["type"] == "message":
                            self._pass_on(message["data"])
            except Exception:
                logger.warning("the connection for hints broke", exc_info=True)
                await asyncio.sleep(_RETRY_S)

    def _pass_on(self, data: str) -> None:
        user_id, kind, more = json.loads(data)
        for listener in tuple(self._listeners.get(user_id, ())):
            listener(kind, more)


hints: PerLoop[HintHub] = PerLoop(HintHub)
