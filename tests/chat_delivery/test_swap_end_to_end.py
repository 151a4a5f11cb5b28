"""Two worker processes go over to another checkpoint and back under load; every link is real."""

import asyncio
import json
import shlex
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from deploy.local import processes
from deploy.local.paths import ROOT
from tests.support.stack import MODEL, Stack, manage
from tests.support.tiny_model import build_tiny_checkpoint
from tests.support.wire import http, sse

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CLIENTS, WORKERS = 6, 2
SEEDS = (1, 2, 3)
OTHER = "eugpt-other"
# Long ones, so that some run over each swap.
PARAMS = {"max_tokens": 300, "min_tokens": 300}
PATIENCE_S = 90.0


@dataclass(frozen=True, slots=True)
class Reply:
    seed: int
    model: str
    text: str
    started: float
    ended: float


async def ask(stack: Stack, seed: int) -> Reply:
    """One reply to the end; anything but one `started`, gapless words and `done` fails."""
    body = {"message": "hello there", "history": [], "params": {**PARAMS, "seed": seed}}
    async with http(stack) as client:
        begun = time.monotonic()
        events = await sse(client, "POST", "/api/chat/guest", json=body)
    kinds = [name for name, _, _ in events]
    assert kinds.count("started") == 1, kinds
    assert kinds[-1] == "done", events[-1]
    data = {name: data for name, _, data in events}
    assert data["done"]["usage"]["completion_tokens"] == PARAMS["max_tokens"]
    text = data["done"]["full_text"]
    assert text == "".join(d["token"] for name, _, d in events if name == "token")
    return Reply(seed, data["started"]["model"], text, begun, time.monotonic())


class Crowd:
    """Clients who ask again and again; `replies` grows while they run."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.replies: list[Reply] = []
        self._is_over = False
        self._tasks = [asyncio.create_task(self._ask_on(i)) for i in range(CLIENTS)]

    async def _ask_on(self, number: int) -> None:
        while not self._is_over:
            self.replies.append(await ask(self._stack, SEEDS[number % len(SEEDS)]))
            number += 1

    async def until(self, condition: Any, what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, what
            for task in self._tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.05)

    async def end(self) -> None:
        self._is_over = True
        await asyncio.gather(*self._tasks)


@contextmanager
def workers(stack: Stack, directory: Path) -> Iterator[None]:
    """Two, in a precision that no timing chooses, in the place of the stack's own."""
    stack.kill_worker()
    env = {**stack.env, "EUGPT_PRECISION": "fp32", "EUGPT_SLOTS": "4"}
    command = shlex.split(stack._commands["worker"])
    with ExitStack() as running:
        for number in range(WORKERS):
            log = directory / f"worker-{number}.log"
            running.callback(processes.stop, processes.start(command, log=log, cwd=ROOT, env=env))
        yield


def signs(stack: Stack) -> list[dict[str, Any]]:
    client: Any = redis.Redis.from_url(stack.env["REDIS_URL"], decode_responses=True)
    with client:
        keys = list(client.scan_iter("eugpt:worker:*"))
        return [json.loads(raw) for raw in client.mget(keys) if raw] if keys else []


def serving(stack: Stack) -> list[str]:
    return sorted(sign["model"] for sign in signs(stack))


async def wait_for(condition: Any, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.1)


async def command(stack: Stack, *arguments: str) -> None:
    await asyncio.to_thread(manage, stack.env, *arguments)


@pytest.fixture
def other(stack: Stack, tmp_path: Path) -> Iterator[Path]:
    """A second checkpoint, registered; the first is active again afterwards."""
    folder = build_tiny_checkpoint(tmp_path / OTHER, seed=2)
    manage(stack.env, "load_checkpoint", str(folder), "--no-activate")
    yield folder
    manage(stack.env, "activate_checkpoint", MODEL)


async def test_workers_go_over_and_back_and_no_reply_notices(
    stack: Stack, other: Path, tmp_path: Path
) -> None:
    with workers(stack, tmp_path):
        await wait_for(lambda: serving(stack) == [MODEL] * WORKERS, "the workers do not start")
        undisturbed = {(MODEL, s): (await ask(stack, s)).text for s in SEEDS}
        crowd = Crowd(stack)
        await crowd.until(lambda: len(crowd.replies) >= CLIENTS, "nobody answers")
        await command(stack, "activate_checkpoint", OTHER)
        await crowd.until(lambda: serving(stack) == [OTHER] * WORKERS, "no swap")
        swapped = time.monotonic()
        await crowd.until(
            lambda: sum(r.started > swapped for r in crowd.replies) >= CLIENTS, "silence"
        )
        leaving = time.monotonic()
        await command(stack, "rollback_checkpoint")
        await crowd.until(lambda: serving(stack) == [MODEL] * WORKERS, "no roll back")
        back = time.monotonic()
        await crowd.until(
            lambda: sum(r.started > back for r in crowd.replies) >= CLIENTS, "silence"
        )
        await crowd.end()
        await command(stack, "activate_checkpoint", OTHER)
        await wait_for(lambda: serving(stack) == [OTHER] * WORKERS, "no second swap")
        undisturbed |= {(OTHER, s): (await ask(stack, s)).text for s in SEEDS}
    for reply in crowd.replies:
        assert reply.text == undisturbed[reply.model, reply.seed]
    assert {r.model for r in crowd.replies if swapped < r.started and r.ended < leaving} == {OTHER}
    assert {r.model for r in crowd.replies if r.started > back} == {MODEL}
    first_new = min(r.ended for r in crowd.replies if r.model == OTHER)
    assert any(r.model == MODEL and r.started < first_new for r in crowd.replies)
    for old, new in ((MODEL, OTHER), (OTHER, MODEL)):
        assert undisturbed[old, 1] != undisturbed[new, 1]
    logs = "".join((tmp_path / f"worker-{n}.log").read_text() for n in range(WORKERS))
    assert "Traceback" not in logs


async def test_a_broken_checkpoint_is_told_and_not_served(
    stack: Stack, other: Path, tmp_path: Path
) -> None:
    weights = other / "model.safetensors"
    whole = weights.read_bytes()
    with workers(stack, tmp_path):
        await wait_for(lambda: serving(stack) == [MODEL] * WORKERS, "the workers do not start")
        before = (await ask(stack, 1)).text
        weights.write_bytes(whole[:-1] + b"\0")
        with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
            # The command would have refused it: the folder is damaged right after its check.
            connection.execute("UPDATE inference_checkpoint SET is_active = false")
            connection.execute(
                "UPDATE inference_checkpoint SET is_active = true, activated_at = now()"
                " WHERE name = %s", [OTHER],
            )  # fmt: skip
        await wait_for(
            lambda: all("wrong_hash" in sign["checkpoint_error"] for sign in signs(stack)),
            "no error is told",
        )
        assert serving(stack) == [MODEL] * WORKERS
        assert (await ask(stack, 1)).text == before
        weights.write_bytes(whole)
        await command(stack, "activate_checkpoint", MODEL)
        await wait_for(
            lambda: not any(sign["checkpoint_error"] for sign in signs(stack)), "the error stays"
        )
        await command(stack, "activate_checkpoint", OTHER)
        await wait_for(lambda: serving(stack) == [OTHER] * WORKERS, "no swap")
