"""Errors for Sentry and traces for OpenTelemetry: off, and not even imported, unless settings say.

Both get what the logs say and nothing else: no bodies, cookies, headers, queries, addresses or
local variables, and the database's errors without values. Neither is ever waited for: what cannot
be sent is dropped.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from typing import Any

from eugpt.config import config_load

# Together with a graceful stop (10 s) below what a supervisor waits (15 s).
LAST_WORDS_S = 2.0


def observe_start(**_: Any) -> None:
    """Once in each process of the table; also Celery's `worker_init` and `beat_init`."""
    config = config_load()
    if config.sentry_dsn:
        from eugpt.observe.sentry import sentry_start

        at_exit(sentry_start(config))
    if config.otel_endpoint:
        from eugpt.observe.traces import traces_start

        at_exit(traces_start(config))


def traced(application: Any) -> Any:
    """The ASGI application with a span for each request, where there is somebody to tell."""
    if not config_load().otel_endpoint:
        return application
    from eugpt.observe.requests import RequestSpans

    return RequestSpans(application)


def at_exit(flush: Callable[[], object]) -> None:
    """Send what is left, LAST_WORDS_S at most, whoever does not answer."""

    def last_words() -> None:
        thread = threading.Thread(target=flush, name="last-words", daemon=True)
        thread.start()
        thread.join(LAST_WORDS_S)

    atexit.register(last_words)
