"""What a log line says, and what none ever says: messages, passwords, tokens, addresses of mails.

Each line names what it belongs to: request, conversation, generation. Errors of the database come
without the values that PostgreSQL quotes (`eugpt.scrub`). Libraries speak from INFO on only: at
DEBUG they print queries, tasks and messages with all that is in them. Lines of Django, uvicorn and
Celery, warnings, and what ends a thread or the process come in the same form.
"""

from __future__ import annotations

import logging
import logging.config
import os
import sys
import threading
from types import TracebackType
from typing import Any, Literal

from eugpt.process_name import SERVICES, process_name

LogFormat = Literal["line", "json"]

logger = logging.getLogger(__name__)

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
_STDERR = 2
_FORMATTERS = {
    "line": {"()": "eugpt.log_formats.LineFormatter"},
    "json": {"()": "eugpt.log_formats.JsonFormatter"},
}


def logging_settings(level: str, form: LogFormat = "line") -> dict[str, Any]:
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
        "formatters": _FORMATTERS,
        "filters": {
            "has_cause": {
                "()": "django.utils.log.CallbackFilter",
                "callback": lambda record: bool(record.exc_info),
            },
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"handlers": ["console"], "level": others},
        "loggers": loggers,
    }


def configure(settings: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG; in the processes of the table Python's own last words, too."""
    logging.config.dictConfig(settings)
    if process_name() in SERVICES:
        logging.captureWarnings(True)
        sys.excepthook = _ended
        threading.excepthook = _thread_ended


def celery_speaks_here(**_: Any) -> None:
    """Celery's `worker_init`: what its signal handlers print is a line like the others."""
    import celery.apps.worker

    celery.apps.worker.safe_say = _say_in_handler  # type: ignore[attr-defined]


def _say_in_handler(message: str, _stream: Any = None) -> None:
    """Past all buffers: a signal handler may have interrupted a write."""
    record = logging.LogRecord("celery.apps.worker", logging.INFO, "", 0, message, (), None)
    for handler in logging.getLogger().handlers:
        os.write(_STDERR, f"{handler.format(record)}\n".encode())


def _ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logger.critical("the process ends", exc_info=(kind, error, trace))


def _thread_ended(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is None or issubclass(args.exc_type, SystemExit):
        return
    name = args.thread.name if args.thread else "?"
    info = (args.exc_type, args.exc_value, args.exc_traceback)
    logger.critical("the thread %s ends", name, exc_info=info)
