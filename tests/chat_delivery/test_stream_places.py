"""How many streams one owner may read at a time, over all web processes together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from chat.places import MEMBER_PLACES
from tests.support.stack import Stack
from tests.support.wire import http, sign_up

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@asynccontextmanager
async def reading(
    client: httpx.AsyncClient, url: str, generation: str
) -> AsyncIterator[httpx.Response]:
    """A stream that is open and read no further than its head."""
    async with client.stream("GET", f"{url}/api/generations/{generation}/stream") as response:
        yield response


async def test_a_member_reads_eight_streams_at_a_time(stack: Stack) -> None:
    token = await sign_up(stack)
    limits = {"EUGPT_LIMITS": "on"}
    with stack.more_web(limits) as first, stack.more_web(limits) as second, stack.slow_worker():
        async with http(stack, token) as client, AsyncExitStack() as opened:
            body = {"message": "hi", "params": {"min_tokens": 250, "max_tokens": 250}}
            asking = client.stream("POST", f"{first}/api/chat", json=body)
            answer = await opened.enter_async_context(asking)
            generation = answer.headers["X-Generation-Id"]
            async with AsyncExitStack() as others:
                for number in range(MEMBER_PLACES - 1):
                    url = (first, second)[number % 2]
                    stream = reading(client, url, generation)
                    response = await others.enter_async_context(stream)
                    assert response.status_code == 200
                async with reading(client, second, generation) as refused:
                    assert refused.status_code == 429
                    assert int(refused.headers["Retry-After"]) >= 1
                    assert b"rate_limited" in await refused.aread()
                refused = await client.post(f"{first}/api/chat", json={"message": "more"})
                assert refused.status_code == 429
            await until_open(client, second, generation)
            conversations = (await client.get("/api/conversations")).json()
            assert len(conversations) == 1  # who was refused has sent nothing


async def until_open(client: httpx.AsyncClient, url: str, generation: str) -> None:
    """The places of closed streams come back."""
    for _ in range(100):
        async with reading(client, url, generation) as response:
            if response.status_code == 200:
                return
        await asyncio.sleep(0.2)
    pytest.fail("no place came back")
