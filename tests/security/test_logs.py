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
from pathlib import Path
from typing import Any

import django.db
import httpx
import psycopg
import pytest
from websockets.asyncio.client import connect

from accounts.models import User
from accounts.request_ids import working_for
from accounts.work import say, working_on
from deploy.local import processes
from eugpt.config import Config
from eugpt.log_formats import JsonFormatter, LineFormatter
from eugpt.logs import logging_settings
from eugpt.process_name import name_of
from tests.support.servers import TestServers
from tests.support.stack import Stack
from tests.support.wire import receive, send

PLANTED = "kanarienvogel"
PROCESSES = ("web", "worker", "jobs", "beat")


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


@pytest.fixture(params=["line", "json"])
def talkative(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The stack at DEBUG; mails go to a server that is away."""
    before = dict(stack.env)
    stack.env |= {
        "EUGPT_LOG_LEVEL": "DEBUG",
        "EUGPT_LOG_FORMAT": request.param,
        "EUGPT_EMAIL_URL": "smtp://127.0.0.1:1",
    }
    _start_anew(stack)
    yield stack
    stack.env = before
    _start_anew(stack)


def _start_anew(stack: Stack) -> None:
    for name in PROCESSES:
        processes.stop(stack._running[name])
    stack.ensure_running()


class Canaries:
    """Texts that stand nowhere else, each named for what it is."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def new(self, about: str) -> str:
        return self.know(about, f"{PLANTED}{uuid.uuid4().hex[:12]}")

    def know(self, about: str, text: str) -> str:
        assert len(text) >= 12
        self.texts[about] = text
        return text

    def sung(self, log: str) -> list[str]:
        return [about for about, text in self.texts.items() if text in log]


@pytest.mark.e2e
@pytest.mark.timeout(400)
async def test_a_whole_visit_leaves_no_word_in_any_log(
    talkative: Stack, servers: TestServers
) -> None:
    stack, known = talkative, Canaries()
    async with httpx.AsyncClient(base_url=stack.base_url, timeout=60) as client:
        await _sign_up(client, known)
        await _chat(client, known)
        await _mistakes(client, known)
        await _sockets(client, stack, known)
        await _admin(client, known)
    texts = {name: stack.log(name) for name in PROCESSES}
    texts |= {path.name: path.read_text(errors="replace") for path in _server_logs(servers)}
    assert {name: known.sung(text) for name, text in texts.items() if known.sung(text)} == {}
    assert "postgres.log" in texts
    sign = {"line": "[-]: ", "json": '"request_id": null'}[stack.env["EUGPT_LOG_FORMAT"]]
    for name in ("worker", "jobs"):  # they did speak, in our form
        assert sign in texts[name]


def _server_logs(servers: TestServers) -> list[Path]:
    return sorted(servers.directory.glob("*.log"))


async def _sign_up(client: httpx.AsyncClient, known: Canaries) -> None:
    name = f"ana_{uuid.uuid4().hex[:8]}"
    body = {"username": name, "password": known.new("password")}
    answer = await client.post("/api/auth/register", json=body)
    assert answer.status_code == 201, answer.text
    token = known.know("access token", answer.json()["token"])
    known.know("refresh cookie", client.cookies["eugpt_refresh"])
    await client.post("/api/auth/register", json=body)  # the name is taken
    wrong = {**body, "password": known.new("wrong password")}
    assert (await client.post("/api/auth/login", json=wrong)).status_code == 401
    client.headers["Authorization"] = f"Bearer {token}"
    address = f"{known.new('e-mail')}@example.org"
    mail = {"email": address, "password": body["password"]}
    assert (await client.put("/api/auth/email", json=mail)).status_code == 202
    link = {"token": known.new("link")}
    assert (await client.post("/api/auth/email/verify", json=link)).status_code == 400
    made = await client.post("/api/keys", json={"name": known.new("name of a key")})
    assert made.status_code == 201, made.text
    known.know("API key", made.json()["key"])
    bearer = {"Authorization": f"Bearer {known.new('forged token')}"}
    assert (await client.get("/api/auth/me", headers=bearer)).status_code == 401


async def _chat(client: httpx.AsyncClient, known: Canaries) -> None:
    guest = {"message": known.new("guest's text")}
    assert (await client.post("/api/chat/guest", json=guest)).status_code == 200
    answer = await client.post("/api/chat", json={"message": known.new("member's text")})
    assert answer.status_code == 200, answer.text
    reply = answer.headers["x-assistant-message-id"]
    at = f"/api/conversations/{answer.headers['x-conversation-id']}"
    await client.patch(at, json={"title": known.new("title")})
    await client.get("/api/conversations", params={"q": known.new("search")})
    comment = {"rating": "up", "comment": known.new("comment")}
    assert (await client.put(f"/api/messages/{reply}/feedback", json=comment)).status_code < 300
    shared = await client.post(f"{at}/share", json={})
    await client.get(f"/api/shared/{known.know('slug', shared.json()['slug'])}")
    key = {"Authorization": f"Bearer {known.texts['API key']}"}
    turns = [{"role": "user", "content": known.new("text under /v1")}]
    asked = {"model": "eugpt-tiny", "messages": turns}
    assert (await client.post("/v1/chat/completions", json=asked, headers=key)).is_success


async def _mistakes(client: httpx.AsyncClient, known: Canaries) -> None:
    for body, status in (
        (known.new("not JSON").encode(), 400),
        (json.dumps({"message": known.new("NUL") + "\0"}).encode(), 400),
        (json.dumps({known.new("unknown field"): 1}).encode(), 400),
        (json.dumps({"message": known.new("too long") * 6000}).encode(), 413),
        (b'{"message": "\\ud800' + known.new("surrogate").encode() + b'"}', 400),
        (b"\xff" + known.new("not UTF-8").encode(), 400),
    ):
        answer = await client.post(
            "/api/chat/guest", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == status, answer.text
    await client.get(f"/api/generations/{known.new('path')}")
    await client.get("/api/health", headers={"Host": f"{known.new('host')}.example"})


async def _sockets(client: httpx.AsyncClient, stack: Stack, known: Canaries) -> None:
    ticket = (await client.post("/api/auth/ws-ticket")).json()["ticket"]
    async with connect(f"{stack.ws_url}?ticket={known.know('ticket', ticket)}") as ws:
        assert (await receive(ws))["type"] == "ready"
        await ws.send(known.new("malformed message"))
        assert (await receive(ws))["type"] == "error"
        await send(ws, type="prompt", text=known.new("text of a socket"), client_id="1")
        while (await receive(ws))["type"] != "done":
            pass
    async with connect(f"{stack.ws_url}?ticket={known.new('forged ticket')}") as ws:
        await ws.wait_closed()


async def _admin(client: httpx.AsyncClient, known: Canaries) -> None:
    page = await client.get("/admin/login/")
    form = {
        "username": "nobody",
        "password": known.new("staff password"),
        "csrfmiddlewaretoken": page.text.partition('name="csrfmiddlewaretoken" value="')[2][:64],
    }
    assert (await client.post("/admin/login/", data=form)).status_code in (200, 429)
    without = {"password": known.new("without CSRF")}
    assert (await client.post("/admin/login/", data=without)).status_code == 403
