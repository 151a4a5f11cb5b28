"""How a log record becomes a line: for people, or as JSON for machines. One record, one fact."""

from __future__ import annotations

import json
import logging
import os
import socket
from copy import copy
from datetime import UTC, datetime
from typing import Any

from accounts.request_ids import request_id
from accounts.work import work
from eugpt.process_name import process_name
from eugpt.scrub import errors_of, message_of, without_values

# Docker cuts lines at 16 KiB, and a cut line is no JSON.
_MESSAGE_CHARS, _TRACEBACK_CHARS = 3000, 8000
HOST = socket.gethostname()


class LineFormatter(logging.Formatter):
    """Time, level, logger, request, text and facts; of the database's errors no values."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s [%(request_id)s]: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        plain = copy(record)
        plain.msg, plain.args = message_of(record), ()
        plain.request_id = request_id() or "-"
        # A handler before this one may have made the traceback's text already.
        return without_values(super().format(plain), errors_of(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (logging's name)
        """The text and, behind it, what it is about."""
        about = _facts(record)
        if generation_id := work().generation_id:
            about |= {"generation": generation_id}
        facts = "".join(f" {name}={value}" for name, value in about.items() if value is not None)
        return super().formatMessage(record) + facts

    def formatException(self, ei: Any) -> str:  # noqa: N802  (logging's name)
        return without_values(super().formatException(ei), [ei[1]])


class JsonFormatter(logging.Formatter):
    """One JSON object a line; ids that there are none of are null."""

    def format(self, record: logging.LogRecord) -> str:
        generation_id, conversation_id = work()
        line: dict[str, Any] = {
            "time": _time(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": message_of(record)[:_MESSAGE_CHARS],
            "process": process_name(),
            "host": HOST,
            "pid": os.getpid(),
            "thread": record.threadName,
            "request_id": request_id() or None,
            "conversation_id": conversation_id or None,
            "generation_id": generation_id or None,
        }
        if facts := _facts(record):
            line["facts"] = facts
        if record.exc_info and record.exc_info[0]:
            text = without_values(self.formatException(record.exc_info), errors_of(record))
            kind = record.exc_info[0]
            line["error"] = {
                "type": f"{kind.__module__}.{kind.__qualname__}",
                "traceback": text[-_TRACEBACK_CHARS:],
            }
        return json.dumps(line, default=str)


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    return dict(getattr(record, "facts", {}))


def _time(seconds: float) -> str:
    """RFC 3339 in UTC, with microseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")[:-6] + "Z"
