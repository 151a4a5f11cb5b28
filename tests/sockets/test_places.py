"""At most so many sockets for an owner, counted over all web processes, whatever dies."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from chat.places import GUEST_ADDRESS_PLACES, MEMBER_PLACES
from deploy.local.valkey import EmbeddedValkey
from tests.sockets.test_ends import close_code, ticket_url
from tests.sockets.web import Web
from tests.support.servers import TestServers
from tests.support.stack import Stack
from tests.support.wire import receive, send, sign_up, socket

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

WAIT_S = 60


@pytest.fixture
def valkey(servers: TestServers, request: pytest.FixtureRequest) -> Iterator[EmbeddedValkey]:
    """One of the test's own, which it may harm."""
    server = servers.new_valkey(f"valkey-{request.node.name}")
    server.start()
    yield server
    server.stop()


async def refusal(url: str) -> int | None:
    async with connect(url) as ws:
        return await close_code(ws)


async def enter(opened: AsyncExitStack, web: Web, token: str = "") -> ClientConnection:
    return await opened.enter_async_context(socket(web, token))


async def enter_when_free(opened: AsyncExitStack, web: Web, token: str = "") -> None:
    """Come in as soon as there is a place, as a client does that tries again."""
    deadline = time.monotonic() + WAIT_S
    while True:
        url = await ticket_url(web, token) if token else web.ws_url
        ws = await opened.enter_async_context(connect(url))
        try:
            assert (await receive(ws))["type"] == "ready"
            return
        except ConnectionClosed:
            assert ws.close_code == 4429
            assert time.monotonic() < deadline
        await asyncio.sleep(0.2)


async def is_alive(ws: ClientConnection) -> bool:
    await send(ws, type="ping")
    return bool((await receive(ws))["type"] == "pong")


async def test_the_ninth_socket_of_a_member_is_refused_everywhere(
    stack: Stack, new_web: Callable[..., Web]
) -> None:
    token, first, second = await sign_up(stack), new_web(), new_web()
    async with AsyncExitStack() as opened:
        half = MEMBER_PLACES // 2
        for web in [first] * half + [second] * half:
            last = await enter(opened, web, token)
        for web in (first, second):
            assert await refusal(await ticket_url(web, token)) == 4429
        await last.close()
        await enter_when_free(opened, first, token)
        assert await refusal(await ticket_url(second, token)) == 4429
        async with socket(second, await sign_up(stack)), socket(first):
            pass  # others have places of their own


async def test_sockets_that_come_at_once_get_no_place_too_many(
    stack: Stack, new_web: Callable[..., Web]
) -> None:
    webs = [new_web(), new_web()]

    @asynccontextmanager
    async def attempt(web: Web) -> AsyncIterator[bool]:
        async with connect(web.ws_url, open_timeout=WAIT_S) as ws:
            try:
                yield (await receive(ws))["type"] == "ready"
            except ConnectionClosed:
                yield False

    async with AsyncExitStack() as opened:
        attempts = [opened.enter_async_context(attempt(webs[i % 2])) for i in range(50)]
        got = await asyncio.gather(*attempts)
        assert sum(got) == GUEST_ADDRESS_PLACES


async def test_places_of_a_killed_process_are_free_again(
    stack: Stack, new_web: Callable[..., Web]
) -> None:
    token, doomed, other = await sign_up(stack), new_web(), new_web()
    async with AsyncExitStack() as opened:
        for _ in range(MEMBER_PLACES):
            await enter(opened, doomed, token)
        assert await refusal(await ticket_url(other, token)) == 4429
        doomed.kill()
        for _ in range(MEMBER_PLACES):
            await enter_when_free(opened, other, token)
        assert await refusal(await ticket_url(other, token)) == 4429


async def test_sockets_and_their_places_outlive_redis(
    stack: Stack, new_web: Callable[..., Web], valkey: EmbeddedValkey
) -> None:
    """Every connection cut and every key gone: nobody is thrown out, nobody gets a ninth place."""
    web = new_web(REDIS_URL=valkey.url)
    token = await sign_up(web)
    async with AsyncExitStack() as opened:
        sockets = [await enter(opened, web, token) for _ in range(MEMBER_PLACES)]
        with redis.Redis.from_url(valkey.admin_url) as client:
            client.flushall()
            client.client_kill_filter(_type="normal", skipme=True)
            client.client_kill_filter(_type="pubsub")
            deadline = time.monotonic() + WAIT_S
            while not client.keys("eugpt:places:socket:*"):
                assert time.monotonic() < deadline, "the places were not told again"
                await asyncio.sleep(0.1)
        assert await refusal(await ticket_url(web, token)) == 4429
        assert all([await is_alive(ws) for ws in sockets])
    assert "Exception in ASGI" not in web.log()


async def test_redis_not_answering_is_a_reason_to_come_later(
    stack: Stack, new_web: Callable[..., Web], valkey: EmbeddedValkey
) -> None:
    web = new_web(REDIS_URL=valkey.url)
    token = await sign_up(web)
    pid = int((valkey.base / "valkey.pid").read_text())
    async with socket(web) as before:
        url = await ticket_url(web, token)
        os.kill(pid, signal.SIGSTOP)
        try:
            codes = await asyncio.gather(refusal(web.ws_url), refusal(url))
            assert list(codes) == [1013, 1013]
            assert await is_alive(before)
        finally:
            os.kill(pid, signal.SIGCONT)
    async with AsyncExitStack() as opened:
        await enter_when_free(opened, web, token)
    assert "Exception in ASGI" not in web.log()
