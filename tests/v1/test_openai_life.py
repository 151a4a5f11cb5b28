"""What becomes of a reply when its caller leaves, its worker waits, its words are lost, or there
are too many: seen with the real `openai` client.
"""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import openai
import psycopg
import pytest
import redis.asyncio
from openai import AsyncOpenAI

from chat.generation.admission import _QUEUE_LOCK
from tests.support.stack import Stack
from tests.support.wire import http
from tests.v1.clients import HELLO, ask, ask_stream, client_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


async def state_of(stack: Stack, token: str, generation: str, wanted: str) -> dict[str, Any]:
    """The generation's row once its status is `wanted`, within a bounded time."""
    async with http(stack, token) as member:
        for _ in range(300):
            row: dict[str, Any] = (await member.get(f"/api/generations/{generation}")).json()
            if row["status"] == wanted:
                return row
            await asyncio.sleep(0.1)
    pytest.fail(f"the generation is {row['status']}, not {wanted}")


LONG: dict[str, Any] = {"max_tokens": 300, "extra_body": {"min_tokens": 300}}


async def test_a_stream_that_is_left_is_cancelled(
    stack: Stack, session: tuple[str, str], client: AsyncOpenAI
) -> None:
    with stack.slow_worker():
        async with await ask(client, stream=True, **LONG) as stream:
            async for chunk in stream:
                if chunk.choices[0].delta.content:
                    break
        generation = stream.response.headers["x-generation-id"]
        row = await state_of(stack, session[0], generation, "cancelled")
    assert row["completion_tokens"] < 300


async def test_an_answer_that_is_not_waited_for_is_cancelled(
    stack: Stack, session: tuple[str, str], client: AsyncOpenAI
) -> None:
    with stack.slow_worker():
        asking = asyncio.create_task(ask(client, **LONG))
        connection = await psycopg.AsyncConnection.connect(
            stack.env["DATABASE_URL"], autocommit=True
        )
        async with connection:
            running = "SELECT id FROM chat_generation WHERE user_id = %s AND status = 'running'"
            user = await _user_id(stack, session[0])
            (generation,) = await _row(connection, running, user)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        row = await state_of(stack, session[0], str(generation), "cancelled")
    assert row["completion_tokens"] < 300


async def _user_id(stack: Stack, token: str) -> int:
    async with http(stack, token) as member:
        return int((await member.get("/api/auth/me")).json()["id"])


async def _row(connection: psycopg.AsyncConnection, query: LiteralString, *values: Any) -> Any:
    """The first row of a query, once there is one, within a bounded time."""
    for _ in range(300):
        if found := await (await connection.execute(query, values)).fetchone():
            return found
        await asyncio.sleep(0.1)
    pytest.fail(f"nothing for {query}")


@contextmanager
def stopped(stack: Stack) -> Iterator[None]:
    """No worker runs meanwhile."""
    worker = stack.pid("worker")
    os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(worker, signal.SIGCONT)


async def _accepted(stack: Stack, count: int) -> list[str]:
    """The control keys of prompts whose words wait in Redis, once there are so many."""
    keys: list[str] = []
    async with redis.asyncio.Redis.from_url(stack.env["REDIS_URL"], decode_responses=True) as store:
        for _ in range(300):
            found = [key async for key in store.scan_iter("eugpt:gen:*:control")]
            keys = [key for key in found if await store.hexists(key, "input")]
            if len(keys) >= count:
                return keys
            await asyncio.sleep(0.1)
    pytest.fail(f"{len(keys)} of {count} are accepted")


async def test_hanging_up_before_the_prompt_is_accepted_cancels_it_too(
    stack: Stack, session: tuple[str, str], client: AsyncOpenAI
) -> None:
    """The view is held where prompts join the queue; its caller goes; then it gets on."""
    user = await _user_id(stack, session[0])
    with stack.slow_worker():
        connection = await psycopg.AsyncConnection.connect(
            stack.env["DATABASE_URL"], autocommit=True
        )
        async with connection:
            await connection.execute("SELECT pg_advisory_lock(%s)", [_QUEUE_LOCK])
            asking = asyncio.create_task(ask(client, **LONG))
            held = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            await _row(connection, held)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await asyncio.sleep(0.5)  # for the web process to hear of it
            await connection.execute("SELECT pg_advisory_unlock(%s)", [_QUEUE_LOCK])
            mine = "SELECT id FROM chat_generation WHERE user_id = %s"
            (generation,) = await _row(connection, mine, user)
        row = await state_of(stack, session[0], str(generation), "cancelled")
    assert row["completion_tokens"] < 300


async def test_replies_that_wait_hold_no_thread(stack: Stack, client: AsyncOpenAI) -> None:
    """More calls wait than the process has threads, and the others are answered meanwhile."""
    with stopped(stack):
        asking = [asyncio.create_task(ask(client, max_tokens=5)) for _ in range(40)]
        await _accepted(stack, 40)
        assert not any(task.done() for task in asking)
        with pytest.raises(openai.BadRequestError):
            await asyncio.wait_for(ask(client, n=2), 20)
    replies = await asyncio.gather(*asking)
    assert all(reply.choices[0].message.content for reply in replies)


async def test_failure_while_streaming_is_an_error_of_the_client(
    stack: Stack, client: AsyncOpenAI
) -> None:
    """The words wait in Redis alone: without them the reply ends in an error, streamed or not."""
    with stopped(stack):
        streaming = asyncio.create_task(ask_stream(client))
        asking = asyncio.create_task(ask(client))
        async with redis.asyncio.Redis.from_url(stack.env["REDIS_URL"]) as store:
            await store.delete(*await _accepted(stack, 2))
    with pytest.raises(openai.APIError) as raised:
        await streaming
    assert raised.value.code == "input_expired"
    with pytest.raises(openai.InternalServerError) as whole:
        await asking
    assert (whole.value.status_code, whole.value.code) == (503, "input_expired")
    assert whole.value.type == "server_error"


async def test_suspension_ends_what_is_being_answered(
    stack: Stack, session: tuple[str, str], client: AsyncOpenAI
) -> None:
    async with http(stack, session[0]) as member:
        user = (await member.get("/api/auth/me")).json()["id"]
    with stack.slow_worker(run_s=0.005, rest_s=0.2):
        asking = [asyncio.create_task(ask(client, **LONG))]
        asking.append(asyncio.create_task(ask_stream(client, **LONG)))
        await _accepted(stack, 2)
        await asyncio.sleep(0.5)  # the stream has begun
        with psycopg.connect(stack.env["DATABASE_URL"]) as database:
            database.execute("UPDATE accounts_user SET is_active = false WHERE id = %s", [user])
        whole, streamed = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(whole, openai.PermissionDeniedError)
    assert isinstance(streamed, openai.APIError)
    assert (whole.code, streamed.code) == ("suspended", "suspended")


@pytest.fixture
def limited_url(stack: Stack) -> Iterator[str]:
    """A second web process of the stack, with limits on."""
    with stack.more_web({"EUGPT_LIMITS": "on", "EUGPT_PROMPT_RATE": "3 per minute"}) as url:
        yield url


async def test_the_rate_limit_is_the_clients_own(limited_url: str, session: Any) -> None:
    async with client_of(limited_url, session[1]) as client:
        for left in ("2", "1", "0"):
            raw = await client.chat.completions.with_raw_response.create(
                model="eugpt", messages=HELLO, max_tokens=3
            )
            assert raw.headers["x-ratelimit-limit-requests"] == "3"
            assert raw.headers["x-ratelimit-remaining-requests"] == left
        with pytest.raises(openai.RateLimitError) as raised:
            await ask(client)
        headers = raised.value.response.headers
        assert raised.value.code == "rate_limited"
        assert raised.value.type == "rate_limit_error"
        assert 1 <= int(headers["retry-after"]) <= 60
        assert headers["x-ratelimit-remaining-requests"] == "0"
