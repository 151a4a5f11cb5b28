"""Two real workers, one slow with a single slot, one with eight: who gets the prompts.

A worker takes only as many as it has free slots, so nobody waits behind somebody else's long reply.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from tests.support.stack import Stack, in_bursts
from tests.support.wire import http, sse

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

SLOTS = 8  # of the stack's own worker
LONG, SHORT = 300, 4


async def ask(stack: Stack, tokens: int) -> None:
    """Send a guest's prompt and wait for the end of its reply."""
    body = {"message": "hi", "params": {"min_tokens": tokens, "max_tokens": tokens}}
    async with http(stack) as client:
        events = await sse(client, "POST", "/api/chat/guest", json=body)
    assert events[-1][0] == "done"


def rows(stack: Stack, since: datetime | None = None) -> list[tuple[Any, ...]]:
    """Of all generations since then, newest first: worker, tokens, start, end, attempt."""
    with psycopg.connect(stack.env["DATABASE_URL"]) as database:
        return database.execute(
            "SELECT worker_id, completion_tokens, started_at, finished_at, attempt"
            " FROM chat_generation WHERE queued_at > %s ORDER BY queued_at DESC",
            [since or datetime.min.replace(tzinfo=UTC)],
        ).fetchall()


async def until(stack: Stack, began: datetime, is_so: Callable[[list[str]], bool]) -> None:
    """The workers of the replies that are unfinished are as asked for; what another test has left
    unfinished does not count.
    """
    for _ in range(3000):
        if is_so([worker for worker, _, _, end, _ in rows(stack, began) if end is None]):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the slow worker took no prompt, or was not slow")


@contextmanager
def resting(pid: int) -> Iterator[None]:
    """A process that does nothing meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_full_worker_keeps_nobody_waiting(stack: Stack) -> None:
    began = datetime.now(UTC)
    # A burst is enough for a few tokens only: it writes at one reply for long.
    with stack.more_worker({"EUGPT_SLOTS": "1"}) as slow, in_bursts(slow, 0.01, 0.7):
        with resting(stack.pid("worker")):
            # The resting one may have asked for a task before; what is left is the slow one's.
            longs = [asyncio.create_task(ask(stack, LONG)) for _ in range(4)]
            await until(stack, began, lambda left: any(f":{slow.pid}:" in it for it in left))
        await until(stack, began, lambda left: len(left) == 1 and f":{slow.pid}:" in left[0])
        for _ in range(4):
            await ask(stack, SHORT)
        others = rows(stack)[:4]
        assert not all(long.done() for long in longs), "its reply was too short to show anything"
        assert {f":{slow.pid}:" in worker for worker, *_ in others} == {False}
    await asyncio.gather(*longs)


async def test_workers_hold_no_more_than_their_slots(stack: Stack) -> None:
    with stack.more_worker({"EUGPT_SLOTS": "1"}) as slow:
        await asyncio.gather(*(ask(stack, 60) for _ in range(24)))
        taken = rows(stack)[:24]
        assert {attempt for *_, attempt in taken} == {1}
        small = [row for row in taken if f":{slow.pid}:" in row[0]]
        assert small, "a worker with a free slot got nothing"
        assert most_at_once(small) == 1
        assert most_at_once([row for row in taken if row not in small]) <= SLOTS


def most_at_once(taken: list[tuple[Any, ...]]) -> int:
    """The largest number of replies that ran at one moment."""
    edges = sorted([(row[2], 1) for row in taken] + [(row[3], -1) for row in taken])
    running = most = 0
    for _, step in edges:
        running += step
        most = max(most, running)
    return most
