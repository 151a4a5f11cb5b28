"""A web process survives nonsense and crowds: no crash, no leak, no `internal`.

`make fuzz` runs it long: FUZZ_MESSAGES and FUZZ_ROUNDS say how long, FUZZ_SEED what.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable

import psutil
import pytest
import redis
from websockets.asyncio.client import connect

from tests.sockets.fuzzer import FuzzClient, Heard
from tests.sockets.test_ends import ticket_url
from tests.sockets.web import Web, poll
from tests.support.raw_socket import RawSocket
from tests.support.stack import Stack
from tests.support.wire import receive, send, sign_up, socket, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

MESSAGES = int(os.environ.get("FUZZ_MESSAGES", "1000"))
ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "500"))
SEED = os.environ.get("FUZZ_SEED", "1")
AT_ONCE = 8
WARM_UP = 400
GROWTH_LIMIT = 1.15


@pytest.fixture
def calm_web(new_web: Callable[..., Web]) -> Web:
    """With limits off: what is measured is not how soon the client is sent away."""
    return new_web(EUGPT_LIMITS="off")


class Count:
    """What a web process holds, here and in Valkey."""

    def __init__(self, stack: Stack, web: Web) -> None:
        self._redis_url = stack.redis_admin_url
        self._web = web

    def valkey_clients(self) -> int:
        """The process' rows in CLIENT LIST; the other processes have a life of their own."""
        with redis.Redis.from_url(self._redis_url) as client:
            addresses = {str(row["addr"]) for row in client.client_list()}
        connections = psutil.Process(self._web.pid).net_connections("tcp")
        return len(addresses & {f"{c.laddr.ip}:{c.laddr.port}" for c in connections if c.laddr})

    def tasks(self) -> int:
        return sum(self._web.tasks().values())


async def alternate(web: Web, token: str) -> Callable[[], Awaitable[str]]:
    """Addresses of the socket, every other one with a member's ticket; bought one by one."""
    turn, buying = 0, asyncio.Lock()

    async def address() -> str:
        nonlocal turn
        turn += 1
        if turn % 2:
            return web.ws_url
        async with buying:
            return await ticket_url(web, token)

    return address


async def fill_pools(web: Web, token: str) -> None:
    """Have every connection made that is kept once made: base and end are compared exactly."""
    async with socket(web) as ws:
        params = {"max_tokens": 20, "min_tokens": 20}
        await send(ws, type="prompt", text="hello", client_id="warm", params=params)
        await until(ws, "done")
    for _ in range(5):
        await asyncio.gather(*(ticket_url(web, token) for _ in range(60)))


async def settled(count: Count, clients: int, tasks: int) -> None:
    """Wait until no more is held than before."""
    await asyncio.to_thread(
        poll, lambda: count.valkey_clients() <= clients, "Valkey has more clients than before"
    )
    await asyncio.to_thread(poll, lambda: count.tasks() <= tasks, "tasks are left")


async def test_nonsense_leaves_nothing_behind(stack: Stack, calm_web: Web) -> None:
    web, token, heard = calm_web, await sign_up(calm_web), Heard()
    address = await alternate(web, token)

    async def fuzz(messages: int, name: str) -> None:
        clients = [FuzzClient(address, f"{SEED}-{name}-{i}", heard) for i in range(AT_ONCE)]
        await asyncio.gather(*(client.run(messages // AT_ONCE) for client in clients))

    count = Count(stack, web)
    await fill_pools(web, token)
    await fuzz(WARM_UP, "warm-up")
    async with connect(await ticket_url(web, token), max_queue=None) as quiet:
        await until(quiet, "ready")
        clients, tasks = await asyncio.to_thread(count.valkey_clients), count.tasks()
        memory = web.memory_bytes()
        await fuzz(MESSAGES, "fuzz")
        # As many threads may now have used Valkey at once as there are clients; each keeps one.
        await settled(count, clients + AT_ONCE, tasks)
        growth = web.memory_bytes() / memory
        print(f"{MESSAGES} messages, seed {SEED}: memory x {growth:.3f}", heard)  # noqa: T201
        await send(quiet, type="ping")
        await until(quiet, "pong")
    assert not heard.faults, heard.faults[:5]
    assert "Traceback" not in web.log(), web.log()[-3000:]
    assert growth < GROWTH_LIMIT
    assert {"pong", "error", "done"} <= set(heard.kinds), "the fuzzer reached too little"
    assert {1002, 1007, 1008, 1009} <= set(heard.closes), "the fuzzer reached too little"


async def test_comings_and_goings_leave_nothing_behind(stack: Stack, calm_web: Web) -> None:
    web, token = calm_web, await sign_up(calm_web)
    address, count = await alternate(web, token), Count(stack, web)

    async def come_and_go(number: int) -> None:
        url = await address()
        if number % 3 == 0:  # cut without a word, perhaps before it was let in
            raw = await RawSocket.connect(url)
            if number % 2 == 0:
                await raw.receive()
            raw.cut()
            return
        async with connect(url) as ws:
            assert (await receive(ws))["type"] == "ready"

    async def rounds(total: int) -> None:
        for start in range(0, total, AT_ONCE):
            await asyncio.gather(*(come_and_go(start + i) for i in range(AT_ONCE)))

    await fill_pools(web, token)
    await rounds(AT_ONCE * 5)
    async with socket(web, token):
        clients, tasks = await asyncio.to_thread(count.valkey_clients), count.tasks()
        memory = web.memory_bytes()
        await rounds(ROUNDS)
        await settled(count, clients, tasks)
        growth = web.memory_bytes() / memory
        print(f"{ROUNDS} rounds: {clients} clients of Valkey, memory x {growth:.3f}")  # noqa: T201
    assert growth < GROWTH_LIMIT
    assert "Traceback" not in web.log(), web.log()[-3000:]
