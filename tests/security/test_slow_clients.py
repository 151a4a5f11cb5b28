"""Who sends slowly or endlessly holds a connection for a bounded time, on a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn

from deploy.local import processes
from eugpt.asgi import application
from eugpt.body_cap import BodyCap
from eugpt.http_protocol import HEAD_BYTES, BoundedHttpProtocol

PATIENCE_S = 30
CHUNK = b"x" * 1000


class QuickHttpProtocol(BoundedHttpProtocol):
    head_s = 1.0
    body_s = 1.0


@pytest.fixture
async def port() -> AsyncIterator[int]:
    config = uvicorn.Config(
        application, port=processes.free_port(), http=QuickHttpProtocol, lifespan="off",
        log_level="critical", log_config=None,
    )  # fmt: skip
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    for _ in range(3000):
        if server.started:
            break
        await asyncio.sleep(0.01)
    yield config.port
    server.should_exit = True
    await asyncio.wait_for(task, PATIENCE_S)


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def say(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def rest(self) -> bytes:
        """What comes until the server closes; fails when it never does."""
        heard = b""
        with suppress(ConnectionResetError):
            while part := await asyncio.wait_for(self._reader.read(65_536), PATIENCE_S):
                heard += part
        return heard

    async def is_dripping_ended(self, parts: bytes) -> bool:
        """Say one byte after the other; whether the server ends it before the last one.

        What it says at the end may be lost: who still sends to a closed socket is reset.
        """
        for byte in parts:
            try:
                await self.say(bytes([byte]))
            except ConnectionError:
                return True
            await asyncio.sleep(0.1)
        return False


@asynccontextmanager
async def client(port: int) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def _post(length: int, path: str = "/api/chat/guest") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


@pytest.mark.parametrize("beginning", [b"", b"\r\n", b"G", b"GET /livez HTTP/1.1\r\nHost: local"])
async def test_a_head_that_does_not_come_ends(port: int, beginning: bytes) -> None:
    async with client(port) as one:
        await one.say(beginning)
        assert (await one.rest()).startswith(b"HTTP/1.1 408 ")


async def test_a_dripping_head_ends(port: int) -> None:
    async with client(port) as one:
        assert await one.is_dripping_ended(b"GET /livez HTTP/1.1\r\nA: " + b"b" * 99)


async def test_a_dripping_body_ends(port: int) -> None:
    async with client(port) as one:
        await one.say(_post(1000))
        assert await one.is_dripping_ended(b"{" + b" " * 99)


async def test_empty_lines_after_an_answer_keep_nothing_open(port: int) -> None:
    async with client(port) as one:
        await one.say(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert await one.is_dripping_ended(b"\r\n" * 50)


@pytest.mark.parametrize("line", [b"A: " + b"b" * 4 * HEAD_BYTES, b"A: b\r\n" * HEAD_BYTES])
async def test_an_endless_head_is_refused(port: int, line: bytes) -> None:
    async with client(port) as one:
        with suppress(ConnectionError):
            await one.say(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n")
            for start in range(0, len(line), 1000):
                await one.say(line[start : start + 1000])
        heard = await one.rest()
        assert not heard or b" 431 " in heard


async def test_a_chunked_body_is_counted(port: int) -> None:
    async with client(port) as one:
        head = _post(0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        await one.say(head)
        with suppress(ConnectionError):
            for _ in range(200):
                await one.say(b"3e8\r\n" + CHUNK + b"\r\n")
        heard = await one.rest()
        assert not heard or b" 413 " in heard


async def test_two_lengths_are_one_too_many(port: int) -> None:
    """What two servers read differently is how one request hides in another."""
    head = _post(5).replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    async with client(port) as one:
        await one.say(head + b"0\r\n\r\nGET /admin/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
        heard = await one.rest()
        assert heard.startswith(b"HTTP/1.1 400 ")
        assert heard.count(b"HTTP/1.1 ") == 1


async def test_an_honest_client_notices_nothing(port: int) -> None:
    async with client(port) as one:
        for _ in range(3):
            await one.say(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            heard = await one._reader.readuntil(b'{"status": "ok"}')
            assert b"HTTP/1.1 200 " in heard
            await asyncio.sleep(0.5)


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/api/chat/guest", 64 * 1024),
        ("/v1/chat/completions", 64 * 1024),
        ("/api/conversations/import", 8 * 1024 * 1024),
        ("/api/conversations/keep/", 4 * 1024 * 1024),
        ("/api/conversations/keepers", 64 * 1024),
        ("/admin/accounts/user/add/", 1024 * 1024),
    ],
)
def test_the_named_routes_alone_take_more(path: str, limit: int) -> None:
    from eugpt.asgi import http_application

    capped = http_application.application.application
    assert isinstance(capped, BodyCap)
    assert capped.limit(path) == limit
