"""The plain Redis client of REST code. Streaming code keeps asynchronous clients of its own."""

from functools import cache

import redis
from django.conf import settings

TIMEOUT_S = 3.0


@cache
def redis_client() -> "redis.Redis":
    """One thread-safe client for the process; connects on first use."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
    )
