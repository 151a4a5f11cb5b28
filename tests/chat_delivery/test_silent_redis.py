"""A connection that died without a word, because a machine or a firewall went, is given up."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from pytest_django.fixtures import Settings

from chat.delivery import streams, tailer
from chat.delivery.tailer import Tailer


class Wire:
    """Passes bytes on between clients and Redis, until its present connections fall silent."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._silenced = 0
        self._opened = 0

    def fall_silent(self) -> None:
        self._silenced = self._opened

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._connect, "127.0.0.1")
        port = server.sockets[0].getsockname()[1]
        user = self._target.netloc.rpartition("@")[0]
        async with server:
            yield self._target._replace(netloc=f"{user}@127.0.0.1:{port}").geturl()

    async def _connect(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        self._opened += 1
        number = self._opened
        answers, there = await asyncio.open_connection(self._target.hostname, self._target.port)
        try:
            await asyncio.gather(
                self._pass(number, client, there), self._pass(number, answers, back)
            )
        finally:
            there.close()
            back.close()

    async def _pass(
        self, number: int, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        while data := await source.read(65536):
            if number > self._silenced:
                sink.write(data)
        sink.close()


async def test_readers_outlive_connections_that_fall_silent(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tailer, "ANSWER_S", 0.5)
    generation = str(uuid.uuid4())
    streams.take_over(generation, 1)
    streams.append(generation, 1, "started", {"model": "m", "context_trimmed": 0})
    wire = Wire(settings.REDIS_URL)
    async with wire.opened() as url:
        settings.REDIS_URL = url
        own = Tailer()
        try:
            async with own.reader(generation) as reader:
                assert await reader.next(10) is not None
                wire.fall_silent()
                data = {"seq": 0, "text": "a", "ids": [1]}
                await asyncio.to_thread(streams.append, generation, 1, "token", data)
                entry = await reader.next(15)
                assert entry is not None
                assert entry.data["seq"] == 0
        finally:
            await own.close()
