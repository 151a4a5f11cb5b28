"""No log says what people write, or what opens a door: not even at DEBUG, not even of errors."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import threading
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import django.db
import psycopg
import pytest

from accounts.models import User
from accounts.request_ids import working_for
from accounts.work import say, working_on
from eugpt.config import Config
from eugpt.log_formats import JsonFormatter, LineFormatter
from eugpt.logs import logging_settings
from eugpt.process_name import name_of
from tests.security.visit import PLANTED


@pytest.fixture(autouse=True)
def _nothing_under_way() -> Iterator[None]:
    """Another test's prompt is what this thread worked on last."""
    with working_for(""), working_on():
        yield


FORMATS = (LineFormatter(), JsonFormatter())


def _record(
    error: BaseException | None = None, *args: object, text: str = "it failed"
) -> logging.LogRecord:
    """What a logger makes; with the traceback of the error, if one is given."""
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("chat", logging.ERROR, __file__, 1, text, args, info)


def _line(error: BaseException | None = None) -> str:
    return LineFormatter().format(_record(error))


def _json(record: logging.LogRecord) -> dict[str, Any]:
    line = JsonFormatter().format(record)
    assert "\n" not in line
    read: dict[str, Any] = json.loads(line)
    return read


def _failure(sql: str, values: list[Any]) -> django.db.Error:
    try:
        with django.db.transaction.atomic(), django.db.connection.cursor() as cursor:
            cursor.execute(sql, values)
    except django.db.Error as error:
        return error
    raise AssertionError("it did not fail")


TWICE = "INSERT INTO auth_group (name) SELECT %s::text FROM generate_series(1, 2)"
NOT_NULL = "UPDATE accounts_user SET is_active = NULL WHERE username = %s"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sql", "kept"),
    [
        (TWICE, "auth_group_name_key"),
        (NOT_NULL, "is_active"),  # DETAIL: Failing row contains (…)
        ("SELECT %s::int", "22P02"),
        ("SELECT %s::json", "22P02"),
        ("SELECT * FROM nothing WHERE a = %s", "42P01"),
    ],
)
def test_errors_of_the_database_come_without_values(sql: str, kept: str) -> None:
    value = f"{PLANTED}\nDETAIL: x"
    User.objects.create(username=value)
    error = _failure(sql, [value])
    assert PLANTED in str(error) or "nothing" in sql
    grouped = _raised(ExceptionGroup("many", [error]))
    for record in (
        _record(error),
        _record(grouped),
        _record(_raised(RuntimeError("behind it"), error)),
        _record(None, error, text="the database says: %s"),
        _record(error, repr(error), text="task raised: %s"),
    ):
        for form in FORMATS:
            line = form.format(record)
            assert PLANTED not in line
            assert kept in line


def _raised(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        raise error from cause
    except Exception:  # noqa: BLE001  (it is the one above)
        caught = sys.exc_info()[1]
        assert isinstance(caught, Exception)
        return caught


def test_an_outage_says_what_is_away() -> None:
    try:
        psycopg.connect(f"postgresql://eugpt:{PLANTED}@127.0.0.1:1/eugpt", connect_timeout=5)
    except psycopg.OperationalError as error:
        line = _line(error)
    assert "Connection refused" in line
    assert PLANTED not in line


def test_lines_name_their_request() -> None:
    with working_for("browser-0001"):
        assert " chat [browser-0001]: it failed" in _line()
    assert " chat [-]: it failed" in _line()


def test_json_lines_say_what_they_are_about() -> None:
    conversation, generation = 7, uuid.uuid4()
    with working_for("browser-0001"), working_on(generation, conversation):
        read = _json(_record(_raised(ValueError("odd"))))
    assert read.pop("error")["type"] == "builtins.ValueError"
    assert datetime.fromisoformat(read.pop("time")).utcoffset() == timedelta(0)
    assert read == {
        "level": "ERROR",
        "logger": "chat",
        "message": "it failed",
        "process": "pytest",
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "thread": threading.current_thread().name,
        "request_id": "browser-0001",
        "conversation_id": "7",
        "generation_id": str(generation),
    }
    assert _json(_record())["generation_id"] is None


def test_facts_stand_beside_the_text(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "chat"):
        say(logging.getLogger("chat"), "generation ended", attempt=2, error_code=None)
    [record] = caplog.records
    assert LineFormatter().format(record).endswith("generation ended attempt=2")
    assert _json(record)["facts"] == {"attempt": 2, "error_code": None}


def test_a_line_that_cannot_be_made_names_its_place_only() -> None:
    record = _record(None, PLANTED, text="%d of %d")
    for form in FORMATS:
        line = form.format(record)
        assert "a line that cannot be written (test_logs:1)" in line
        assert PLANTED not in line


def test_a_long_line_is_cut() -> None:
    """Docker cuts lines at 16 KiB, and a part of one is no JSON."""
    record = _record(_raised(ValueError("x" * 50_000)), "y" * 50_000, text="%s")
    line = JsonFormatter().format(record)
    assert len(line) < 16_000
    assert "ValueError" in json.loads(line)["error"]["type"]


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("bin/uvicorn eugpt.asgi:application", "web"),
        ("bin/celery --quiet -A eugpt worker -Q generate --pool threads", "worker"),
        ("bin/celery --quiet -A eugpt worker -Q default", "jobs"),
        ("lib/celery/__main__.py -A eugpt beat --pidfile=", "beat"),
        ("manage.py migrate --no-input", "manage migrate"),
    ],
)
def test_a_process_knows_its_name(command: str, name: str) -> None:
    assert name_of(command.split()) == name


def test_production_writes_json_unless_told_otherwise() -> None:
    assert Config.model_construct(env="production").log_form() == "json"
    assert Config.model_construct(env="production", log_format="line").log_form() == "line"
    assert Config.model_construct(env="development").log_form() == "line"


def test_libraries_never_speak_at_debug() -> None:
    made = logging_settings("DEBUG")
    assert made["root"]["level"] == "INFO"
    assert made["loggers"]["chat"]["level"] == "DEBUG"
    assert made["loggers"]["django"]["level"] == "INFO"
    assert logging_settings("ERROR")["root"]["level"] == "ERROR"
