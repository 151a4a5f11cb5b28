"""Celery's Redis transport, with one plain client for each channel, and how it is connected again.

kombu makes a new `redis.Redis` for every message it stores, acknowledges or sends. Each builds a
table of some 250 callbacks, which takes longer than the command itself.

Its words at the end of a process go to standard error, where each line of ours is an object.

It also waits longer after each failed try, up to 30 s: for so long a worker whose host is back
would take no task.
"""

from __future__ import annotations

import io
import logging
from typing import Any

import kombu
from celery.app import amqp
from kombu.transport import redis

_RETRY_S = 1

logger = logging.getLogger(__name__)


class _Log(io.TextIOBase):
    """What is printed here goes to the log."""

    def write(self, text: str) -> int:
        if text.strip():
            logger.info("%s", text.strip())
        return len(text)


class QoS(redis.QoS):
    """As kombu's, which prints to standard error what it gives back when its process stops."""

    def restore_unacked_once(self, stderr: Any = None) -> None:
        super().restore_unacked_once(stderr or _Log())


class Channel(redis.Channel):
    """As kombu's. A client is thread-safe and holds nothing but its pool."""

    QoS = QoS
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


class Connection(kombu.Connection):
    """Tries to connect again in even steps, where the caller names no others."""

    def _ensure_connection(self, *args: Any, **options: Any) -> Any:
        if len(args) <= 2:  # kombu itself names them by position, behind two others
            steps = {"interval_start": _RETRY_S, "interval_step": 0, "interval_max": _RETRY_S}
            options = {**steps, **options}
        return super()._ensure_connection(*args, **options)


class Amqp(amqp.AMQP):
    """Given to the application, whose connections are then of the class above."""

    Connection = Connection
