"""Blocking work for the event loop, and what it may fail of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import django.db
import redis.exceptions
from channels.db import database_sync_to_async

T = TypeVar("T")

# A database or Redis that does not answer is no news about a reply: it may well go on.
OUTAGES = (django.db.Error, redis.exceptions.RedisError)


async def in_thread(service: Callable[[], T]) -> T:
    """Run blocking work in a thread that gives its database connection back afterwards."""
    result: T = await database_sync_to_async(service, thread_sensitive=False)()
    return result
