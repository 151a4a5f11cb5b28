"""Errors of the log as Sentry's events: one for each line at ERROR or above.

The log is the one place that errors come to, so no integration hooks into Django or Celery, and
what Sentry gets is made here, field by field. Its client sends from a thread of its own with a
queue of 100; what does not fit is dropped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, cast

import sentry_sdk
from sentry_sdk.types import Event, Hint
from sentry_sdk.utils import event_from_exception

from accounts.request_ids import request_id
from accounts.work import work
from eugpt.config import Config
from eugpt.observe import LAST_WORDS_S
from eugpt.process_name import process_name
from eugpt.scrub import errors_of, message_of, without_values
from eugpt.version import version

_FIELDS = frozenset(
    {
        "event_id", "timestamp", "level", "logger", "platform", "logentry", "exception", "tags",
        "release", "environment", "server_name", "sdk",
    }
)  # fmt: skip
# They speak of sending: an event about it would have to be sent.
_NOT_THESE = ("sentry_sdk", "urllib3", "opentelemetry")


def sentry_start(config: Config) -> Callable[[], object]:
    """Send errors from now on; gives what sends the last ones."""
    sentry_sdk.init(
        dsn=config.sentry_dsn,
        environment=config.env,
        release=f"eugpt@{version()}",
        default_integrations=False,
        auto_enabling_integrations=False,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_session_tracking=False,
        propagate_traces=False,
        enable_metrics=False,
        shutdown_timeout=LAST_WORDS_S,
        before_send=_known_fields,
    )
    logging.getLogger().addHandler(SentryHandler(logging.ERROR))
    return lambda: sentry_sdk.flush(LAST_WORDS_S)


class SentryHandler(logging.Handler):
    """A log record as an event. Runs on the thread that logs, and only queues."""

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(_NOT_THESE):
            sentry_sdk.capture_event(event_of(record))


def event_of(record: logging.LogRecord) -> Event:
    """What Sentry is told of a record: what the log says, and the code on the stack."""
    generation_id, conversation_id = work()
    ids = {
        "process": process_name(),
        "request_id": request_id(),
        "conversation_id": conversation_id,
        "generation_id": generation_id,
    }
    event: dict[str, Any] = {
        "level": "fatal" if record.levelno >= logging.CRITICAL else "error",
        "logger": record.name,
        # The words in the code group the events, the line itself is read.
        "logentry": {
            "message": without_values(str(record.msg), errors_of(record)),
            "formatted": message_of(record),
        },
        "tags": {name: value for name, value in ids.items() if value},
    }
    if record.exc_info and record.exc_info[1]:
        event["exception"] = _exceptions(record)
    return cast("Event", event)


def _exceptions(record: logging.LogRecord) -> dict[str, Any]:
    options = sentry_sdk.get_client().options
    made, _ = event_from_exception(cast("Any", record.exc_info), client_options=options)
    values: list[Any] = cast("Any", made)["exception"]["values"]
    for value in values:
        value["value"] = without_values(str(value.get("value") or ""), errors_of(record))
        for frame in (value.get("stacktrace") or {}).get("frames", ()):
            frame.pop("vars", None)
    return {"values": values}


def _known_fields(event: Event, _hint: Hint) -> Event:
    """The second wall: whatever the client has added beside these fields stays here."""
    return cast("Event", {name: value for name, value in event.items() if name in _FIELDS})
