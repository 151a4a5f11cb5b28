"""What a log line says, and what none ever says: messages, passwords, tokens, addresses of mails.

Each line names the request it belongs to. Errors of the database come without the values that
PostgreSQL quotes (`DETAIL: Key (username)=(ana)`, `invalid input: "..."`): their class, SQLSTATE
and the names of table, column and constraint are left. Libraries speak from INFO on only: at DEBUG
they print queries, tasks and messages with all that is in them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import django.db
import psycopg

from accounts.request_ids import request_id

OURS = ("accounts", "chat", "eugpt", "inference", "moderation")
# A task's line for each run would be several a second: the reaper's alone never end. Answers with
# an error status are counted elsewhere; addresses with a query (tickets) stand in access logs.
QUIET = {
    "celery.app.trace": "WARNING",
    "celery.worker.strategy": "WARNING",
    "celery.beat": "WARNING",
    "django.server": "WARNING",
    # A traceback for each scanner that calls us by another name: it gets its 400.
    "django.security.DisallowedHost": "CRITICAL",
    "uvicorn.access": "CRITICAL",
    "uvicorn.error": "WARNING",
    "httpx": "WARNING",
}

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def logging_settings(level: str) -> dict[str, Any]:
    """Django's LOGGING: one handler for all, `level` for our own loggers."""
    others = level if level != "DEBUG" else "INFO"
    loggers: dict[str, Any] = {
        name: {"level": level, "handlers": [], "propagate": True} for name in OURS
    }
    for name in ("django", "uvicorn", *QUIET):
        loggers[name] = {"level": QUIET.get(name, others), "handlers": [], "propagate": True}
    # Its warnings repeat the answer's status and the address; only exceptions are news.
    loggers["django.request"] = {"filters": ["has_cause"]}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "eugpt.logs.LineFormatter"}},
        "filters": {
            "has_cause": {
                "()": "django.utils.log.CallbackFilter",
                "callback": lambda record: bool(record.exc_info),
            },
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": others},
        "loggers": loggers,
    }


class LineFormatter(logging.Formatter):
    """Time, level, logger, request, text; of the database's errors no values."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s [%(request_id)s]: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        record.request_id = request_id() or "-"
        line = super().format(record)
        # A handler before this one may have made the traceback's text already.
        causes = [arg for arg in _args(record) if isinstance(arg, BaseException)]
        if record.exc_info and record.exc_info[1]:
            causes.append(record.exc_info[1])
        return without_values(line, causes)

    def formatException(self, ei: Any) -> str:  # noqa: N802  (logging's name)
        return without_values(super().formatException(ei), [ei[1]])


def without_values(text: str, errors: list[BaseException]) -> str:
    """`text` with what the database says in these errors and their causes made harmless.

    Line by line: tracebacks of groups indent what they quote. Celery quotes the repr.
    """
    for error in errors:
        for cause in _chain(error):
            if harmless := _harmless(cause):
                first, *more = [line for line in str(cause).splitlines() if line.strip()] or [""]
                text = text.replace(repr(str(cause))[1:-1], harmless)
                for line, instead in ((first, harmless), *((line, "") for line in more)):
                    text = text.replace(line, instead) if line else text
    return text


def _args(record: logging.LogRecord) -> Iterator[Any]:
    if isinstance(record.args, tuple):
        yield from record.args
    elif record.args:
        yield from record.args.values()


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__]
        waiting += getattr(one, "exceptions", ())


def _harmless(error: BaseException) -> str:
    """What may be said of an error of PostgreSQL; "" for any other error.

    Django's own database errors hold psycopg's as their cause and repeat its words.
    """
    source = error.__cause__ if isinstance(error, django.db.Error) else error
    if not isinstance(source, psycopg.Error) or source.sqlstate is None:
        return ""
    told = source.diag
    names = (told.table_name, told.column_name, told.constraint_name)
    about = " ".join(name for name in names if name)
    return f"{type(source).__name__} ({source.sqlstate}) {about}".strip()
