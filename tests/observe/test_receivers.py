"""Sentry and OpenTelemetry get what happened, nobody's words, and are never waited for."""

from __future__ import annotations

import itertools
import logging
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from websockets.asyncio.client import connect

from accounts.request_ids import working_for
from accounts.work import working_on
from deploy.local import processes
from deploy.local.paths import ROOT
from eugpt.config import ConfigError, config_load
from tests.observe.receivers import Receiver, receiving, silence, until
from tests.support.stack import Stack
from tests.support.wire import receive, send

# Raises what PostgreSQL then quotes: the prompt itself.
TRIGGER = """
CREATE FUNCTION quote_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'I do not like: %', NEW.content; END $$;
CREATE TRIGGER quote_it BEFORE INSERT ON chat_message FOR EACH ROW
WHEN (NEW.content LIKE 'refused %') EXECUTE FUNCTION quote_it();
"""


def test_nothing_is_imported_unless_it_is_set() -> None:
    code = (
        "import sys, eugpt.asgi, eugpt.celery; from eugpt.observe import observe_start;"
        "observe_start(); names = {name.partition('.')[0] for name in sys.modules};"
        "sys.exit(', '.join({'sentry_sdk', 'opentelemetry', 'google', 'flower'} & names) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("name", ["EUGPT_SENTRY_DSN", "EUGPT_OTEL_ENDPOINT"])
def test_an_address_is_checked_and_not_repeated(name: str, monkeypatch: Any) -> None:
    monkeypatch.setenv(name, "ftp://secret-key")
    config_load.cache_clear()
    try:
        with pytest.raises(ConfigError, match=name) as caught:
            config_load()
    finally:
        monkeypatch.undo()
        config_load.cache_clear()
    assert "secret" not in str(caught.value)


def test_an_event_says_what_the_line_says() -> None:
    from eugpt.observe.sentry import event_of

    record = logging.LogRecord("chat", logging.ERROR, __file__, 1, "%s failed", ("it",), None)
    with working_for("browser-0001"), working_on("a-generation", 7):
        event: Any = event_of(record)
    assert event["logentry"] == {"message": "%s failed", "formatted": "it failed"}
    assert event["tags"] == {
        "process": "pytest",
        "request_id": "browser-0001",
        "conversation_id": "7",
        "generation_id": "a-generation",
    }


@pytest.fixture
def watched(stack: Stack) -> Iterator[tuple[Stack, Receiver]]:
    """The stack with a receiver of both, and a database that quotes some prompts."""
    with receiving() as receiver, _quoting(stack.env["DATABASE_URL"]):
        env = {"EUGPT_SENTRY_DSN": receiver.dsn, "EUGPT_OTEL_ENDPOINT": receiver.otel_endpoint}
        with stack.with_settings(env, "web", "worker"):
            yield stack, receiver


@contextmanager
def _quoting(url: str) -> Iterator[None]:
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(TRIGGER)
        try:
            yield
        finally:
            database.execute("DROP TRIGGER quote_it ON chat_message; DROP FUNCTION quote_it")


@pytest.mark.e2e
@pytest.mark.timeout(300)
async def test_a_visit_is_seen_and_no_word_of_it(watched: tuple[Stack, Receiver]) -> None:
    stack, receiver = watched
    word = f"kanarienvogel{uuid.uuid4().hex[:8]}"
    async with httpx.AsyncClient(base_url=stack.base_url, timeout=60) as client:
        account = {"username": f"watched_{time.time_ns() % 10**9}", "password": f"{word}-password"}
        made = await client.post("/api/auth/register", json=account)
        assert made.status_code == 201, made.text
        token = made.json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        refused = await client.post(
            "/api/chat", json={"message": f"refused {word}"}, params={"q": f"{word}query"}
        )
        assert refused.status_code == 500
        answer = await client.post("/api/chat", json={"message": f"hello {word}"})
        assert "event: done" in answer.text
        slug = await client.get(f"/api/shared/{word}")
        assert slug.status_code == 404
        async with connect(stack.ws_url, additional_headers={"Cookie": f"a={word}"}) as ws:
            await receive(ws)
            await send(ws, type="prompt", text=f"hello {word}", client_id="1")
            while (await receive(ws))["type"] != "done":
                pass

    event = until(lambda: _tagged(receiver, refused.headers["x-request-id"]))
    assert event["tags"]["process"] == "web"
    [error] = [it for it in event["exception"]["values"] if it["type"] == "RaiseException"]
    assert error["value"].startswith("RaiseException (P0001)")
    frames = [frame for it in event["exception"]["values"] for frame in it["stacktrace"]["frames"]]
    assert frames
    assert not any("vars" in frame for frame in frames)

    generation_id = answer.headers["x-generation-id"]
    until(lambda: _span(receiver, "generation", generation_id))
    until(lambda: _span(receiver, "socket prompt"))
    until(lambda: _span(receiver, "POST api/chat", generation_id))
    _check_trace(receiver, generation_id)

    _last_words(stack, receiver)
    sent = receiver.everything()
    assert word.encode() not in sent
    assert token.encode() not in sent
    assert stack.env["REDIS_URL"].encode() not in sent


def _last_words(stack: Stack, receiver: Receiver) -> None:
    """What has happened right before the end is sent before the end."""
    headers = {"X-Request-Id": "the-last-request"}
    assert httpx.get(f"{stack.base_url}/api/auth/me", headers=headers).status_code == 401
    stack.stop("web")
    told = [_facts(it).get("eugpt.request_id") for it in receiver.spans()]
    assert headers["X-Request-Id"] in told


def _tagged(receiver: Receiver, request_id: str) -> dict[str, Any] | None:
    events = (it for it in receiver.events() if it["tags"].get("request_id") == request_id)
    return next(events, None)


def _facts(span: Span) -> dict[str, str]:
    return {it.key: it.value.string_value for it in span.attributes}


def _span(receiver: Receiver, name: str, generation_id: str = "") -> Span | None:
    for span in receiver.spans():
        is_its = not generation_id or _facts(span).get("eugpt.generation_id") == generation_id
        if span.name == name and is_its:
            return span
    return None


def _check_trace(receiver: Receiver, generation_id: str) -> None:
    """One trace from the request over the task to the published end, each below the other."""
    generation = _span(receiver, "generation", generation_id)
    request = _span(receiver, "POST api/chat", generation_id)
    assert generation is not None
    assert request is not None
    trace = [it for it in receiver.spans() if it.trace_id == request.trace_id]
    by_id = {it.span_id: it for it in trace}
    task = by_id[generation.parent_span_id]
    assert task.name == "task run_generation"
    assert by_id[task.parent_span_id] is not None
    assert by_id[task.parent_span_id].name == request.name
    parts = [it for it in trace if it.parent_span_id == generation.span_id]
    parts.sort(key=lambda it: it.start_time_unix_nano)
    assert sorted(it.name for it in parts) == ["decode", "prefill", "publish", "queue wait"]
    for before, after in itertools.pairwise(parts):
        assert before.end_time_unix_nano <= after.end_time_unix_nano
    assert _facts(generation)["eugpt.finish_reason"] in ("stop", "length")


@pytest.mark.e2e
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("kind", "count"),
    [("away", 10), ("silent", 120)],  # more than wait for Sentry at most
)
def test_a_receiver_that_does_not_answer_is_not_waited_for(
    stack: Stack, kind: str, count: int
) -> None:
    with silence() as silent, _quoting(stack.env["DATABASE_URL"]):
        port = silent if kind == "silent" else processes.free_port()
        env = {
            "EUGPT_SENTRY_DSN": f"http://key@127.0.0.1:{port}/1",
            "EUGPT_OTEL_ENDPOINT": f"http://127.0.0.1:{port}",
        }
        with stack.more_web(env) as url, httpx.Client(base_url=url, timeout=60) as client:
            name = f"patient_{time.time_ns()}"
            account = {"username": name, "password": "a long enough one"}
            token = client.post("/api/auth/register", json=account).json()["token"]
            client.headers["Authorization"] = f"Bearer {token}"
            took = []
            for _ in range(count):
                began = time.monotonic()
                answer = client.post("/api/chat", json={"message": "refused x"})
                took.append(time.monotonic() - began)
                assert answer.status_code == 500  # an event and a span each
            # A single event that was waited for would have taken 5 s (spans) or 30 s (events).
            assert sorted(took)[len(took) // 2] < 5
            assert client.get("/api/health").status_code == 200
            began = time.monotonic()
        assert time.monotonic() - began < 14  # then a supervisor kills
