"""Ends a Celery worker that was told to end and has nothing left to do.

Celery lets running tasks end, then takes leave of the broker: with one that says nothing, as where
all containers are stopped at once, that took 28 s, and whoever stops containers kills after less.
Nothing is lost by going without a word: the sign of life runs out, the reaper looks after tasks.
"""

import logging
import os
import queue
import threading
import time
from typing import Any

from eugpt.observe import last_words

logger = logging.getLogger(__name__)

# An orderly end takes less, unless a server does not answer.
IDLE_S = 4.0
_LOOK_S = 0.1

# Unlike an Event it may be used by a signal handler, whatever that one interrupted.
_told: queue.SimpleQueue[int] = queue.SimpleQueue()


def leave_watch(**_: Any) -> None:
    """Called when a worker process begins."""
    threading.Thread(target=_watch, name="leave", daemon=True).start()


def leave_told(exitcode: int, **_: Any) -> None:
    """Called by Celery's signal handlers."""
    _told.put(exitcode)


def _watch() -> None:
    from celery.worker import state

    exitcode = _told.get()
    idle_from = time.monotonic()
    while time.monotonic() - idle_from < IDLE_S:
        time.sleep(_LOOK_S)
        if state.active_requests:
            idle_from = time.monotonic()
    logger.warning("nothing runs here and a server does not answer: this worker leaves as it is")
    last_words()  # what is registered for an exit is not called
    os._exit(exitcode)
