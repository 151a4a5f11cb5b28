"""The real processes: what is lost with one of them is found, and nobody waits for ever."""

import asyncio

import pytest
import redis

from chat.generation.reaper import QUEUE
from tests.support.stack import Stack
from tests.support.wire import http, send, socket, tokens, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

LONG = {"max_tokens": 300, "min_tokens": 300, "seed": 3}


async def test_worker_and_reaper_killed_at_once(stack: Stack) -> None:
    """Nobody looks for the dead until the supervisor has started the reaper again."""
    async with socket(stack) as ws:
        await send(ws, type="prompt", text="hello", client_id="both", params=LONG)
        messages = await until(ws, "token")
        await asyncio.to_thread(stack.kill, "worker")
        await asyncio.to_thread(stack.kill, "jobs")
        await asyncio.to_thread(stack.ensure_running)
        messages += await until(ws, "done")
    parts = tokens(messages)
    assert [p["seq"] for p in parts] == list(range(len(parts)))
    assert "".join(p["text"] for p in parts) == messages[-1]["text"]
    async with http(stack) as client:
        state = (await client.get(f"/api/generations/{messages[0]['generation']}")).json()
    assert state["attempt"] == 2, "the worker was killed after the reply had ended"


async def test_waiting_prompts_whose_tasks_are_lost_are_answered(stack: Stack) -> None:
    """A worker that dies takes the tasks along that it has fetched."""
    await asyncio.to_thread(stack.kill, "worker")
    async with socket(stack) as ws:
        for number in range(3):
            await send(ws, type="prompt", text="hello", client_id=f"lost{number}", params=LONG)
            await until(ws, "queued")
        with redis.Redis.from_url(stack.env["REDIS_URL"]) as broker:
            assert broker.delete(QUEUE)
        await asyncio.to_thread(stack.ensure_running)
        answered: set[str] = set()
        while len(answered) < 3:
            answered.add((await until(ws, "done"))[-1]["generation"])
