"""One tailer for each web process: two Redis connections serve all its readers.

Pokes (pub/sub) say which streams moved; they may be lost, so every stream with readers is also
looked at about once a second. Entries are read with pipelined XRANGE after each reader's cursor.
A reader whose queue is full is left alone until it has taken some: slow clients cost a bounded
amount of memory and nobody else's time.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import redis.asyncio
from django.conf import settings

from chat.delivery.streams import POKES, START, Entry, parse_entry, stream_key

logger = logging.getLogger(__name__)

POLL_S = 1.0
_BATCH = 64
_QUEUE = 128
_RETRY_S = 0.5


class Reader:
    """One client's place in one stream. Use as an asynchronous context manager."""

    def __init__(self, tailer: Tailer, generation_id: str, after: str) -> None:
        self._tailer = tailer
        self.generation_id = generation_id
        self.cursor = after or START
        self._entries: asyncio.Queue[Entry] = asyncio.Queue(_QUEUE)

    @property
    def room(self) -> int:
        return self._entries.maxsize - self._entries.qsize()

    def put(self, entry: Entry) -> None:
        self.cursor = entry.id
        self._entries.put_nowait(entry)

    async def next(self, timeout_s: float) -> Entry | None:
        """The next entry, or None when none came in time."""
        try:
            async with asyncio.timeout(timeout_s):
                entry = await self._entries.get()
        except TimeoutError:
            return None
        if self._entries.empty():
            self._tailer.look_at(self.generation_id)  # it may have been left alone while full
        return entry

    async def __aenter__(self) -> Reader:
        self._tailer.add(self)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._tailer.remove(self)


class Tailer:
    """Owns the connections and the table of readers of one event loop."""

    def __init__(self) -> None:
        self._redis = redis.asyncio.Redis.from_url(
            settings.REDIS_URL,
            decode_responses=True,
            socket_connect_timeout=3,
            socket_keepalive=True,
            health_check_interval=10,
        )
        self._readers: dict[str, set[Reader]] = defaultdict(set)
        self._moved: set[str] = set()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def reader(self, generation_id: str, after: str = START) -> Reader:
        return Reader(self, generation_id, after)

    def add(self, reader: Reader) -> None:
        self._readers[reader.generation_id].add(reader)
        self.look_at(reader.generation_id)
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._listen(), name="tailer-pokes"),
                asyncio.create_task(self._read(), name="tailer-read"),
            ]

    def remove(self, reader: Reader) -> None:
        readers = self._readers.get(reader.generation_id, set())
        readers.discard(reader)
        if not readers:
            self._readers.pop(reader.generation_id, None)

    def look_at(self, generation_id: str) -> None:
        self._moved.add(generation_id)
        self._wake.set()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self._redis.aclose()

    async def _listen(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(POKES)
                    self._look_at_all()  # what was poked while nobody listened
                    async for message in pubsub.listen():
                        if message["type"] == "message":
                            self._poked(message["data"])
            except Exception:
                logger.warning("the poke connection broke", exc_info=True)
                await asyncio.sleep(_RETRY_S)

    def _poked(self, data: str) -> None:
        moved = [i for i in data.split() if i in self._readers]
        if moved:
            self._moved.update(moved)
            self._wake.set()

    def _look_at_all(self) -> None:
        self._moved.update(self._readers)
        self._wake.set()

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        looked = loop.time()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()
            self._wake.clear()
            if loop.time() - looked >= POLL_S:
                looked = loop.time()
                self._moved.update(self._readers)
            moved, self._moved = self._moved, set()
            try:
                await self._deliver(moved)
            except Exception:
                # All readers of this process depend on this loop: it never ends.
                logger.warning("reading streams failed", exc_info=True)
                await asyncio.sleep(_RETRY_S)
                self._look_at_all()

    async def _deliver(self, moved: set[str]) -> None:
        """Read once for every reader of the moved streams that has room."""
        readers = [r for i in moved for r in self._readers.get(i, ()) if r.room]
        if not readers:
            return
        pipe = self._redis.pipeline(transaction=False)
        for reader in readers:
            count = min(_BATCH, reader.room)
            pipe.xrange(stream_key(reader.generation_id), min=f"({reader.cursor}", count=count)
        answers: list[Any] = await pipe.execute(raise_on_error=False)
        for reader, raw in zip(readers, answers, strict=True):
            if isinstance(raw, Exception):
                logger.error("reading %s failed: %s", reader.generation_id, raw)
                continue
            for item in raw:
                reader.put(parse_entry(item))
            if len(raw) >= _BATCH:
                self.look_at(reader.generation_id)


_tailers: WeakKeyDictionary[asyncio.AbstractEventLoop, Tailer] = WeakKeyDictionary()


def tailer() -> Tailer:
    """The tailer of the running event loop; a web process has one loop."""
    loop = asyncio.get_running_loop()
    if loop not in _tailers:
        _tailers[loop] = Tailer()
    return _tailers[loop]
