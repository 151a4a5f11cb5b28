"""Waiting out the restart of a server: work that must not be lost is tried again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

import redis.exceptions
from django.db import InterfaceError, OperationalError, close_old_connections
from kombu.exceptions import OperationalError as BrokerError

logger = logging.getLogger(__name__)

PATIENCE_S, RETRY_S = 20.0, 0.5
OUTAGES = (OperationalError, InterfaceError, redis.exceptions.RedisError, BrokerError)
T = TypeVar("T")


def patiently(work: Callable[[], T], *, patience_s: float = PATIENCE_S) -> T:
    """Do work that may be done twice, again and again while a server does not answer.

    Raises what the last try raised once `patience_s` is over.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return work()
        except OUTAGES as error:
            if time.monotonic() > deadline:
                raise
            close_old_connections()  # a broken one would stay broken
            logger.warning("a server does not answer, trying again: %s", error)
            time.sleep(RETRY_S)
