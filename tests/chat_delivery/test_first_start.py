"""The first worker on a machine compiles the engine's loops; it must compute as all others do."""

import asyncio
from pathlib import Path

import pytest

from tests.support.stack import Stack
from tests.support.wire import http, sse

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


async def text_of(stack: Stack, seed: int) -> str:
    body = {"message": "hello there", "params": {"seed": seed, "max_tokens": 250}}
    async with http(stack) as client:
        events = await sse(client, "POST", "/api/chat/guest", json=body)
    return str(events[-1][2]["full_text"])


async def test_a_worker_that_has_compiled_starts_over(stack: Stack, tmp_path: Path) -> None:
    loaded = [await text_of(stack, seed) for seed in range(4)]
    stack.env["NUMBA_CACHE_DIR"] = str(tmp_path)
    before = len(stack.log("worker"))
    try:
        stack.kill_worker()
        await asyncio.to_thread(stack.ensure_running)
        first_start = [await text_of(stack, seed) for seed in range(4)]
    finally:
        del stack.env["NUMBA_CACHE_DIR"]
        await asyncio.to_thread(stack.restart_worker)
    log = stack.log("worker")[before:]
    assert log.count("this worker starts over") == 1
    before_it, after_it = log.split("this worker starts over")
    assert "serves eugpt-tiny" not in before_it  # nobody was told of the one that left
    assert "serves eugpt-tiny" in after_it
    assert first_start == loaded
