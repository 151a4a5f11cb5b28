"""Errors for Sentry and traces for OpenTelemetry: off, and not even imported, unless settings say.

Both get what the logs say and nothing else: no bodies, cookies, headers, queries, addresses or
local variables, and the database's errors without values. Neither is ever waited for: what cannot
be sent is dropped.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from eugpt.config import config_load

# Together with a graceful stop (10 s) below what a supervisor waits (15 s).
LAST_WORDS_S = 2.0

_flushes: list[Callable[[], object]] = []


def observe_start(**_: Any) -> None:
    """Once in each process of the table; also Celery's `worker_init` and `beat_init`."""
    config = config_load()
    if config.sentry_dsn:
        from eugpt.observe.sentry import sentry_start

        _flushes.append(sentry_start(config))
    if config.otel_endpoint:
        from eugpt.observe.traces import traces_start

        _flushes.append(traces_start(config))


def traced(application: Any) -> Any:
    """The ASGI application with a span for each request, where there is somebody to tell."""
    if not config_load().otel_endpoint:
        return application
    from eugpt.observe.requests import RequestSpans

    return RequestSpans(application)


@atexit.register
def last_words() -> None:
    """Send what is left, once; for each receiver LAST_WORDS_S at most, whether it answers or not.

    The web process calls it itself: uvicorn ends by the signal that it got, and nothing that is
    registered for an exit is called.
    """
    # Two threads may come here: who leaves, and the exit itself.
    with suppress(IndexError):
        while True:
            thread = threading.Thread(target=_flushes.pop(), name="last-words", daemon=True)
            thread.start()
            thread.join(LAST_WORDS_S)
