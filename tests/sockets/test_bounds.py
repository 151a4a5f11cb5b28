"""What one client can do to a web process is bounded, and others do not notice."""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.sockets.test_ends import close_code
from tests.sockets.web import Web, poll
from tests.support.raw_socket import BINARY, CONT, PING, TEXT, RawSocket, frame
from tests.support.stack import Stack
from tests.support.wire import receive, send, socket, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

PONG = {"type": "pong"}


@pytest.mark.parametrize("size", [65_537, 200_000, 10_000_000])
async def test_too_big_a_message_is_told_as_such(stack: Stack, size: int) -> None:
    async with await RawSocket.connect(stack.ws_url) as raw:
        await raw.send(frame(TEXT, b"x" * size))
        assert await raw.close_code() == 1009


async def test_the_biggest_message_is_answered(stack: Stack) -> None:
    async with socket(stack) as ws:
        await ws.send('{"type":"ping","more":"' + "x" * (65_536 - 25) + '"}')
        assert (await receive(ws))["code"] == "invalid"


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (frame(TEXT, b"\xff\xfe"), 1007),
        (frame(TEXT, b'{"type":', is_final=False) + frame(CONT, b"\xc3\x28"), 1007),
        (frame(TEXT, b"", is_final=False) + frame(CONT, b"", is_final=False) * 600, 1009),
        (frame(TEXT, b"x" * 40_000, is_final=False) + frame(CONT, b"x" * 40_000), 1009),
        (frame(PING, b"") * 3000, 1008),
        (frame(TEXT, b"{}", is_masked=False), 1002),
        (frame(TEXT, b"{}", reserved=4), 1002),
        (frame(CONT, b"{}"), 1002),
        (frame(3, b""), 1002),
        (frame(PING, b"x" * 126), 1002),
    ],
)
async def test_what_is_no_websocket_gets_its_close_code(
    stack: Stack, frames: bytes, code: int
) -> None:
    async with await RawSocket.connect(stack.ws_url) as raw:
        await raw.send(frames)
        assert await raw.close_code() == code


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", '"ping"', "1e999", "NaN", '{"type":NaN}', '{"type":1e999}',
        '{"type":"ping","type":"ping"}', '{"type":"ping","\\ud800":1}', "[" * 60_000,
        '{"a":' * 9 + "1" + "}" * 9, '{"type":"ping"}' + "9" * 60_000, "9" * 60_000,
        '{"type":"resume","generation":"' + "9" * 60_000 + '"}',
        '{"type":"prompt","text":"x","client_id":"a","conversation":' + "9" * 30 + "}",
        '{"type":"edit","text":"x","client_id":"a","message":1e3}',
        '{"type":"regenerate","client_id":"a","message":0}',
        '{"type":"prompt","text":"x","client_id":"a","params":{"temperature":1e999}}',
        '{"type":"prompt","text":"x","client_id":"a","params":{"temperature":-0.0001}}',
    ],
)  # fmt: skip
async def test_malformed_messages_are_answered(stack: Stack, text: str) -> None:
    async with socket(stack) as ws:
        await ws.send(text)
        answer = await receive(ws)
        assert answer["type"] == "error"
        assert answer["code"] in {"invalid", "bad_params"}
        await ws.send(text.encode())
        assert (await receive(ws))["code"] == "invalid", "binary frames are not spoken here"
        await send(ws, type="ping")
        assert await receive(ws) == PONG


async def test_twenty_malformed_messages_in_a_row_end_the_socket(stack: Stack) -> None:
    async with socket(stack) as ws:
        for _ in range(19):
            await ws.send("x")
            assert (await receive(ws))["code"] == "invalid"
        await send(ws, type="ping")
        assert await receive(ws) == PONG
        for _ in range(20):
            await ws.send("x")
        assert await close_code(ws) == 1008


async def test_guests_can_branch_nothing(stack: Stack) -> None:
    async with socket(stack) as ws:
        for message in ("regenerate", "continue"):
            await send(ws, type=message, message=1, client_id="g")
            answer = await receive(ws)
            assert (answer["code"], answer["client_id"]) == ("not_found", "g")


async def test_flood_is_refused_then_ended_and_others_do_not_wait(
    stack: Stack, new_web: Callable[..., Web]
) -> None:
    web = new_web()
    answers: list[str] = []

    async def flood() -> int | None:
        async with connect(web.ws_url, max_queue=None) as ws:
            await receive(ws)
            reading = asyncio.create_task(read(ws))  # what is unread when it closes may be lost
            with suppress(ConnectionClosed):
                for _ in range(2000):
                    await ws.send('{"type":"ping"}')
                    await asyncio.sleep(0.002)  # the protocol below refuses 1000 frames a second
            await reading
            return ws.close_code

    async def read(ws: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            while True:
                message = await receive(ws)
                answers.append(message.get("code", message["type"]))

    async with socket(web) as other:
        flooding = asyncio.create_task(flood())
        waits = []
        while not flooding.done():
            started = time.monotonic()
            await send(other, type="ping")
            assert await receive(other) == PONG
            waits.append(time.monotonic() - started)
            await asyncio.sleep(0.1)
        assert await flooding == 1008
        assert answers.count("rate_limited") == 100
        assert answers.count("pong") < 200
        assert max(waits) < 5


async def test_client_that_never_reads_is_dropped_and_costs_little(
    stack: Stack, new_web: Callable[..., Web]
) -> None:
    """Replies are sent to it until nothing more fits; then it has the protocol's patience."""
    web = new_web(EUGPT_LIMITS="off")
    params = {"min_tokens": 300, "max_tokens": 300, "logprobs": 5}
    async with AsyncExitStack() as opened, socket(web) as other:
        await send(other, type="prompt", text="hello", client_id="long", params=params)
        generation = (await until(other, "done"))[-1]["generation"]
        base, memory = web.connections(), web.memory_bytes()
        deaf = await opened.enter_async_context(
            await RawSocket.connect(web.ws_url, receive_bytes=4096)
        )
        resume = json.dumps({"type": "resume", "generation": generation}).encode()
        ends_by = time.monotonic() + 120
        while web.connections() > base:
            assert time.monotonic() < ends_by, "it was never dropped"
            try:
                deaf.writer.write(frame(TEXT, resume))
            except OSError:
                break
            await send(other, type="ping")
            assert await receive(other) == PONG
            await asyncio.sleep(0.1)
        assert web.memory_bytes() < memory * 1.25
        poll(lambda: web.tasks().get("ChatConsumer.__call__", 0) <= 1, "its tasks go on")
        poll(lambda: "Relays._relay" not in web.tasks(), "its relays go on")


async def test_answers_to_pings_do_not_pile_up(stack: Stack, new_web: Callable[..., Web]) -> None:
    web = new_web()
    async with AsyncExitStack() as opened, socket(web) as other:
        base, memory = web.connections(), web.memory_bytes()
        deaf = await opened.enter_async_context(
            await RawSocket.connect(web.ws_url, receive_bytes=4096)
        )
        second = frame(PING, b"x" * 125) * 900  # below what ends a socket
        ends_by = time.monotonic() + 120
        while web.connections() > base:
            assert time.monotonic() < ends_by, "it was never dropped"
            try:
                deaf.writer.write(second)
            except OSError:
                break
            await send(other, type="ping")
            assert await receive(other) == PONG
            await asyncio.sleep(1.1)
        assert web.memory_bytes() < memory * 1.25


async def test_binary_counts_as_malformed(stack: Stack) -> None:
    async with await RawSocket.connect(stack.ws_url) as raw:
        await raw.send(frame(BINARY, b"{}") * 20)
        assert await raw.close_code() == 1008
