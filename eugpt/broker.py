"""Celery's Redis transport, with one plain client for each channel.

kombu makes a new `redis.Redis` for every message it stores, acknowledges or sends. Each builds a
table of some 250 callbacks, which takes longer than the command itself.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import redis


class Channel(redis.Channel):
    """As kombu's. A client is thread-safe and holds nothing but its pool."""

    _plain_client: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[misc]
        if self._plain_client is None or self._plain_client.connection_pool is not self.pool:
            self._plain_client = super()._create_client()  # type: ignore[misc]
        return self._plain_client


class Transport(redis.Transport):
    """Named in CELERY_BROKER_TRANSPORT."""

    Channel = Channel
