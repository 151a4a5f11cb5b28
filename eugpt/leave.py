"""Ends a worker or beat that was told to end and has nothing left to do.

Celery lets running tasks end, then takes leave of the broker. Where all containers are stopped at
once that one is gone: time-outs and look-ups of its name took up to 28 s, and whoever stops
containers kills after less. Nothing is lost by going without a word: the sign of life runs out,
the reaper looks after tasks, beat's schedule may run twice.
"""

import logging
import os
import signal
import threading
import time
from typing import Any

from eugpt.observe import last_words

logger = logging.getLogger(__name__)

# An orderly end takes less, unless a server does not answer.
IDLE_S = 4.0
_LOOK_S = 0.1
_ENDS = {signal.SIGTERM: 0, signal.SIGINT: 1, signal.SIGQUIT: 1}


def leave_watch(**_: Any) -> None:
    """Called on the main thread when the process begins."""
    # Told by the system: Python's own handlers wait for the main thread, which may look up a name.
    told, tell = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell)
    threading.Thread(target=_watch, args=(told,), name="leave", daemon=True).start()


def _watch(told: int) -> None:
    from celery.worker import state

    while (number := os.read(told, 1)[0]) not in _ENDS:
        pass
    idle_from = time.monotonic()
    while time.monotonic() - idle_from < IDLE_S:
        time.sleep(_LOOK_S)
        if state.active_requests:
            idle_from = time.monotonic()
    last_words()
    logger.warning("nothing runs here, but to end takes too long: this process leaves as it is")
    os._exit(_ENDS[signal.Signals(number)])
