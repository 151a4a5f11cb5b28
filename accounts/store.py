"""The plain Redis clients: one for synchronous code, one for each event loop.

Code that listens or reads streams keeps clients of its own.
"""

from functools import cache
from typing import Any

import redis
import redis.asyncio
from django.conf import settings

from accounts.per_loop import PerLoop

TIMEOUT_S = 3.0
# Each is kept once made. A crowd waits for one of them; who waits longer than TIMEOUT_S gets
# redis.exceptions.ConnectionError.
THREAD_CONNECTIONS = 16
LOOP_CONNECTIONS = 4


@cache
def redis_client() -> "redis.Redis":
    """One thread-safe client for the process; connects on first use."""
    pool = redis.BlockingConnectionPool.from_url(
        settings.REDIS_URL,
        max_connections=THREAD_CONNECTIONS,
        timeout=TIMEOUT_S,
        decode_responses=True,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
    )
    return redis.Redis.from_pool(pool)


# For connections that listen and have no time-out of their own: one that is dead is known to be in
# ten seconds, not in hours.
KEEPALIVE: dict[str, Any] = settings.REDIS_SOCKET


def _async_client() -> "redis.asyncio.Redis":
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        settings.REDIS_URL,
        max_connections=LOOP_CONNECTIONS,
        timeout=TIMEOUT_S,
        decode_responses=True,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
    )
    return redis.asyncio.Redis.from_pool(pool)


# For short commands.
async_redis_client: PerLoop["redis.asyncio.Redis"] = PerLoop(_async_client)
