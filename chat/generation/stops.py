"""Wishes to stop, heard as they are made: the next step of the engine can obey.

The flag in the control hash is the truth, and every append tells of it; but a worker appends only
about every 20 ms, and a reply that has no words yet does not append at all.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import redis
import redis.exceptions
from django.conf import settings

from accounts.store import KEEPALIVE, TIMEOUT_S
from chat.delivery.streams import STOPS

logger = logging.getLogger(__name__)

_RETRY_S = 0.5
_WAIT_S = 1.0


class StopListener:
    """Owns a thread and its connection; calls `on_stop` with each generation's id."""

    def __init__(self, on_stop: Callable[[str], None]) -> None:
        self._on_stop = on_stop
        self._redis = redis.Redis.from_url(
            settings.REDIS_URL,
            decode_responses=True,
            socket_connect_timeout=TIMEOUT_S,
            **KEEPALIVE,
            health_check_interval=10,
        )
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stops", daemon=True)
        self.is_listening = threading.Event()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(2 * _WAIT_S)
        self._redis.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except redis.exceptions.RedisError as error:
                self.is_listening.clear()
                logger.warning("the connection for stops broke: %s", error)
                self._stopping.wait(_RETRY_S)

    def _listen(self) -> None:
        with self._redis.pubsub() as pubsub:  # type: ignore[no-untyped-call]
            pubsub.subscribe(STOPS)
            while not self._stopping.is_set():
                message: Any = pubsub.get_message(timeout=_WAIT_S)
                if message is None:
                    continue
                if message["type"] == "subscribe":
                    self.is_listening.set()
                elif message["type"] == "message":
                    self._on_stop(message["data"])
