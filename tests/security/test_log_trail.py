"""What the real processes say: objects in JSON, one id through all of them, and nobody's words."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.security.visit import visit
from tests.support.servers import TestServers
from tests.support.stack import Stack

PROCESSES = ("web", "worker", "jobs", "beat")
NAMES = {
    "time", "level", "logger", "message", "process", "host", "pid", "thread", "request_id",
    "conversation_id", "generation_id",
}  # fmt: skip


# As talkative as can be; mails go to a server that is away.
TALKATIVE = {"EUGPT_LOG_LEVEL": "DEBUG", "EUGPT_EMAIL_URL": "smtp://127.0.0.1:1"}


@pytest.fixture(scope="module")
def speaking_json(_session_stack: Stack) -> Iterator[Stack]:
    stack = _session_stack
    with stack.with_settings(TALKATIVE | {"EUGPT_LOG_FORMAT": "json"}, *PROCESSES):
        yield stack


@pytest.fixture
def speaking_lines(stack: Stack) -> Iterator[Stack]:
    with stack.with_settings(TALKATIVE | {"EUGPT_LOG_FORMAT": "line"}, *PROCESSES):
        yield stack


class Logs:
    """What the processes say from now on, each line parsed."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._from = {name: len(stack.log(name)) for name in PROCESSES}

    def read(self, name: str) -> list[dict[str, Any]]:
        text = self._stack.log(name)[self._from[name] :]
        return [json.loads(line) for line in text.splitlines()]

    def wait(self, name: str, **wanted: Any) -> dict[str, Any]:
        """The first line with these values; within 30 s."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for line in self.read(name):
                if wanted.items() <= line.items():
                    return line
            time.sleep(0.1)
        raise AssertionError(f"no line of {name} has {wanted}: {self.read(name)}")


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_one_id_leads_from_the_answer_to_every_process(speaking_json: Stack) -> None:
    stack, logs = speaking_json, Logs(speaking_json)
    with httpx.Client(base_url=stack.base_url, timeout=60) as client:
        account = {"username": f"trail_{time.time_ns()}", "password": "a long enough one"}
        token = client.post("/api/auth/register", json=account).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        answer = client.post("/api/chat", json={"message": "hello"})
    request_id = answer.headers["x-request-id"]
    generation_id = answer.headers["x-generation-id"]
    ids = {
        "request_id": request_id,
        "conversation_id": answer.headers["x-conversation-id"],
        "generation_id": generation_id,
    }
    accepted = logs.wait("web", message="generation accepted", **ids)
    claimed = logs.wait("worker", message="generation claimed", **ids)
    ended = logs.wait("worker", message="generation ended", **ids)
    assert accepted["process"] == "web"
    assert accepted["facts"]["owner"] == "member"
    assert claimed["pid"] == stack.pid("worker")
    assert ended["facts"]["finish_reason"] in ("stop", "length")
    assert ended["facts"]["attempt"] == 1
    assert ended["facts"]["completion_tokens"] > 0
    assert claimed["time"] < ended["time"]
    with psycopg.connect(stack.env["DATABASE_URL"]) as database:
        row = database.execute(
            "SELECT request_id FROM chat_generation WHERE id = %s", [generation_id]
        ).fetchone()
    assert row == (request_id,)


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_a_lost_worker_is_told_with_the_same_ids(speaking_json: Stack) -> None:
    stack = speaking_json
    logs = Logs(stack)
    with stack.slow_worker(), httpx.Client(base_url=stack.base_url, timeout=60) as client:
        body = {"message": "hello", "params": {"max_tokens": 300, "min_tokens": 300}}
        with client.stream("POST", "/api/chat/guest", json=body) as answer:
            ids = {
                "request_id": answer.headers["x-request-id"],
                "generation_id": answer.headers["x-generation-id"],
            }
            logs.wait("worker", message="generation claimed", **ids)
            stack.kill_worker()
            text = f"generation {ids['generation_id']} lost its worker; queued again"
            requeued = logs.wait("jobs", message=text, **ids)
    assert requeued["facts"] == {"reason": "worker_lost", "attempt": 1}
    stack.ensure_running()
    ended = logs.wait("worker", message="generation ended", **ids)
    assert ended["facts"]["attempt"] == 2


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_every_line_is_an_object_from_start_to_stop(speaking_json: Stack) -> None:
    """The libraries' lines, too: Celery's readiness, its stop, uvicorn's."""
    stack, logs = speaking_json, Logs(speaking_json)
    stack.restart(*PROCESSES)
    for name in PROCESSES:
        for line in logs.read(name):
            assert set(line) >= NAMES
            assert line["process"] == name
    assert any(line["logger"].startswith("celery") for line in logs.read("jobs"))
    logs.wait("worker", level="INFO", logger="chat.generation.worker")


@pytest.mark.e2e
@pytest.mark.timeout(400)
async def test_a_whole_visit_leaves_no_word_in_any_log(
    speaking_json: Stack, servers: TestServers
) -> None:
    await _visit(speaking_json, servers, sign='"request_id": null')


@pytest.mark.e2e
@pytest.mark.long
@pytest.mark.timeout(400)
async def test_a_whole_visit_leaves_no_word_in_lines_for_people(
    speaking_lines: Stack, servers: TestServers
) -> None:
    await _visit(speaking_lines, servers, sign="[-]: ")


async def _visit(stack: Stack, servers: TestServers, sign: str) -> None:
    known = await visit(stack)
    texts = {name: stack.log(name) for name in PROCESSES}
    for name in ("worker", "jobs"):  # they did speak, in our form
        assert sign in texts[name]
    texts |= {path.name: path.read_text(errors="replace") for path in _server_logs(servers)}
    assert "postgres.log" in texts
    assert {name: known.sung(text) for name, text in texts.items() if known.sung(text)} == {}


def _server_logs(servers: TestServers) -> list[Path]:
    return sorted(servers.directory.glob("*.log"))
