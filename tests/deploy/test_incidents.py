"""What docs/operations.md says happens in an incident, with the real processes."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import psycopg
import pytest
import redis

from tests.support.stack import Stack
from tests.support.wire import http, sse

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

ASK = {"message": "hello there", "history": [], "params": {"max_tokens": 8, "seed": 1}}


@contextmanager
def full_valkey(stack: Stack) -> Iterator[None]:
    """No room for a single key more."""
    with redis.Redis.from_url(stack.redis_admin_url) as admin:
        admin.config_set("maxmemory", "1mb")
        try:
            yield
        finally:
            admin.config_set("maxmemory", "0")


@contextmanager
def taken_connections(stack: Stack) -> Iterator[int]:
    """All of PostgreSQL's connections that are free."""
    url = stack.env["DATABASE_URL"]
    with ExitStack() as held:
        count = 0
        try:
            while True:
                held.enter_context(psycopg.connect(url, autocommit=True))
                count += 1
        except psycopg.OperationalError:
            yield count


async def asked(stack: Stack, client: httpx.AsyncClient) -> tuple[int, str, bool]:
    """Status, code, and whether the answer says when to try again."""
    answer = await client.post("/api/chat/guest", json=ASK)
    code = answer.json().get("code", "") if answer.status_code != 200 else ""
    return answer.status_code, code, "retry-after" in answer.headers


async def answered(stack: Stack, client: httpx.AsyncClient) -> str:
    events = await sse(client, "POST", "/api/chat/guest", json=ASK)
    assert events[-1][0] == "done", events[-1]
    return str(events[-1][2]["full_text"])


async def test_a_full_valkey_is_503_with_a_code_and_passes(stack: Stack) -> None:
    with stack.more_web({"EUGPT_LIMITS": "on"}) as url:
        async with http(stack) as client, httpx.AsyncClient(base_url=url, timeout=60) as limited:
            before = await answered(stack, client)
            with full_valkey(stack):
                assert await asked(stack, client) == (503, "unavailable", True)
                assert await asked(stack, limited) == (503, "unavailable", True)
                login = {"username": "nobody", "password": "nothing at all"}
                refused = await limited.post("/api/auth/login", json=login)
                assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
                assert (await client.get("/livez")).status_code == 200
            assert await answered(stack, client) == before
            assert await answered(stack, limited) == before


async def test_without_free_connections_to_postgresql_nothing_hangs(stack: Stack) -> None:
    """The pools of the processes have some; who gets none is told so within seconds."""
    async with http(stack) as client:
        before = await answered(stack, client)
        with taken_connections(stack) as count:
            assert count > 10
            start = time.monotonic()
            told = await asyncio.gather(*(asked(stack, client) for _ in range(30)))
            took = time.monotonic() - start
        assert took < 60, took
        assert {(status, code) for status, code, _ in told} <= {(200, ""), (503, "unavailable")}
        assert await answered(stack, client) == before


async def test_a_table_that_somebody_has_locked_holds_nobody_for_ever(stack: Stack) -> None:
    """A migration that waits, or a hand at psql: requests wait for seconds, then are told so."""
    async with http(stack) as client:
        before = await answered(stack, client)
        with psycopg.connect(stack.env["DATABASE_URL"]) as rude:
            rude.execute("LOCK TABLE chat_generation IN ACCESS EXCLUSIVE MODE")
            start = time.monotonic()
            assert await asked(stack, client) == (503, "unavailable", True)
            assert (await client.get("/api/health")).status_code == 503
            assert time.monotonic() - start < 55
            assert (await client.get("/livez")).status_code == 200
        assert await answered(stack, client) == before
