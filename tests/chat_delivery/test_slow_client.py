"""A client that never reads, on a real socket of a real uvicorn, costs a bounded amount for a
bounded time, and nobody else notices.
"""

import asyncio
import json
import socket
import uuid
from collections.abc import AsyncIterator, Callable
from functools import partial

import httpx
import pytest
import uvicorn

from chat.delivery import streams, tailer
from chat.delivery.tailer import Tailer
from chat.delivery.threads import in_thread
from chat.models import Generation, Status
from deploy.local import processes
from eugpt.asgi import application
from eugpt.http_protocol import BoundedHttpProtocol

WORDS = 400
WORD = "x" * 60_000  # so many that no kernel's buffers hold them


class ImpatientHttpProtocol(BoundedHttpProtocol):
    stall_s = 4.0  # the quick client shares a busy machine


@pytest.fixture
async def own_tailer(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Tailer]:
    made = Tailer()
    monkeypatch.setattr("chat.delivery.follow.tailer", lambda: made)
    yield made
    await made.close()


@pytest.fixture
async def server() -> AsyncIterator[uvicorn.Server]:
    config = uvicorn.Config(
        application,
        port=processes.free_port(),
        http=ImpatientHttpProtocol,
        lifespan="off",
        log_level="warning",
    )
    made = uvicorn.Server(config)
    task = asyncio.create_task(made.serve())
    await until("it does not start", lambda: made.started)
    yield made
    made.should_exit = True
    await asyncio.wait_for(task, 20)


async def until(what: str, holds: Callable[[], object]) -> None:
    for _ in range(3000):
        if holds():
            return
        await asyncio.sleep(0.01)
    pytest.fail(what)


def deaf_client(port: int, path: str) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    return client


def write(name: str) -> None:
    for seq in range(WORDS):
        streams.append(name, 1, "token", {"seq": seq, "text": WORD, "ids": [1]})
    streams.append(name, 1, "done", {"text": "", "finish_reason": "stop"})


async def count_tokens(url: str) -> int:
    """Of a whole stream, to its `done`."""
    count, kind = 0, ""
    async with httpx.AsyncClient(timeout=30) as client, client.stream("GET", url) as response:
        async for line in response.aiter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: ") and kind == "token":
                assert len(json.loads(line.removeprefix("data: "))["token"]) == len(WORD)
                count += 1
    assert kind == "done"
    return count


@pytest.mark.django_db(transaction=True)
async def test_client_that_never_reads_is_dropped_and_nobody_else_notices(
    server: uvicorn.Server, own_tailer: Tailer
) -> None:
    row = Generation(pk=uuid.uuid4(), owner_key="g:x", status=Status.RUNNING, attempt=1)
    await in_thread(partial(row.save, force_insert=True))
    name, port = str(row.pk), server.config.port
    await in_thread(partial(streams.take_over, name, 1))
    path = f"/api/generations/{name}/stream"
    deaf = await asyncio.to_thread(deaf_client, port, path)
    try:
        quick = asyncio.create_task(count_tokens(f"http://127.0.0.1:{port}{path}"))
        await until("both follow", lambda: len(own_tailer._readers[name]) == 2)
        readers = set(own_tailer._readers[name])
        writing = asyncio.create_task(asyncio.to_thread(write, name))
        assert await asyncio.wait_for(quick, 60) == WORDS
        await writing
        assert all(len(reader._entries) <= tailer._QUEUE for reader in readers)
        await until("it is not dropped", lambda: not own_tailer._readers.get(name))
        await until("its connection stays", lambda: not server.server_state.connections)
    finally:
        deaf.close()
