"""One tailer for each web process: two Redis connections serve all its readers.

Pokes (pub/sub) carry what was appended, each entry with the id of the one before it: a reader that
stands there takes it as it is. They may be lost, so the stream is the truth: a reader who stands
elsewhere, has just come or has heard nothing for a second is read for, with a pipelined XRANGE
after its cursor. A reader whose queue is full is left alone until it has taken some: slow clients
cost a bounded amount of memory and nobody else's time.

A reader's cursor may lie beyond all that the stream has: Redis has lost data, and its clock or the
next worker's is behind. If nothing is put back for some seconds, such a reader begins anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import redis.asyncio
from django.conf import settings

from accounts.per_loop import PerLoop
from accounts.store import KEEPALIVE
from chat.delivery.streams import (
    POKES,
    START,
    Entry,
    cursor_order,
    parse_entry,
    parse_poke,
    stream_key,
)

logger = logging.getLogger(__name__)

POLL_S = 1.0
_BATCH = 64
_QUEUE = 128
_RETRY_S = 0.5
# A connection may die without a word; TCP alone would notice after a quarter of an hour.
ANSWER_S = 10.0
# At so many looks in a row a quiet reader is compared with the end of the stream, and twice.
_STRAY_LOOKS = 3


class Reader:
    """One client's place in one stream. Use as an asynchronous context manager."""

    def __init__(self, tailer: Tailer, generation_id: str, after: str) -> None:
        self._tailer = tailer
        self.generation_id = generation_id
        self.cursor = after or START
        self.seen_cursor = ""  # at the last look at everybody
        self.quiet_looks = 0
        self.is_beyond = False  # of all that was in the stream at the last comparison
        self.wish = 0  # number of the wish to have everything read
        self._granted = -1
        self.is_behind = False  # something was left in the stream for want of room
        self._entries: deque[Entry] = deque()
        self._waiter: asyncio.Future[None] | None = None

    @property
    def room(self) -> int:
        return _QUEUE - len(self._entries)

    def put(self, entry: Entry) -> None:
        self.cursor = entry.id
        self._entries.append(entry)
        self.wake()

    async def next(self, timeout_s: float) -> Entry | None:
        """The next entry, or None when none came in time or somebody woke it."""
        if not self._entries:
            await self._wait(timeout_s)
        if not self._entries:
            return None
        entry = self._entries.popleft()
        if self.is_behind and not self._entries:
            self.is_behind = False
            self._tailer.look_at(self.generation_id)
        return entry

    async def _wait(self, timeout_s: float) -> None:
        """Until something comes or the time is over; cheaper than asyncio.timeout and a Queue."""
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(timeout_s, self.wake)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def read_again(self) -> None:
        """Have the stream read once more; `has_caught_up` tells when all of it was."""
        self.wish += 1
        self._tailer.look_at(self.generation_id)

    def grant(self, wish: int) -> None:
        """All was read that was there when it was wished for."""
        if self._granted < wish:
            self._granted = wish
            self.wake()

    @property
    def has_caught_up(self) -> bool:
        return self._granted == self.wish

    def compare(self, last: str | None) -> bool:
        """Learn where the stream ends; True when the reader has begun anew."""
        was_beyond = self.is_beyond
        self.is_beyond = last is not None and cursor_order(last) < cursor_order(self.cursor)
        if not (was_beyond and self.is_beyond):
            return False
        logger.warning("a reader of %s is beyond its end; it begins anew", self.generation_id)
        self.cursor, self.is_beyond = START, False
        return True

    def wake(self) -> None:
        """Let `next` return."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

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
            **KEEPALIVE,
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
        """Hand entries to the readers who stand right before them; look for the others."""
        for line in data.split("\n"):
            generation_id, before, entry = parse_poke(line)
            for reader in self._readers.get(generation_id, ()):
                if reader.cursor == before and reader.room:
                    reader.put(entry)
                elif cursor_order(reader.cursor) < cursor_order(entry.id):
                    self.look_at(generation_id)

    def _look_at_all(self) -> None:
        self._moved.update(self._readers)
        self._wake.set()

    def _look_at_quiet(self) -> None:
        """Mark the streams from which a reader got nothing since the last call."""
        for generation_id, readers in self._readers.items():
            if any(reader.cursor == reader.seen_cursor for reader in readers):
                self._moved.add(generation_id)
            for reader in readers:
                is_quiet = reader.cursor == reader.seen_cursor and reader.cursor != START
                reader.quiet_looks = reader.quiet_looks + 1 if is_quiet else 0
                reader.seen_cursor = reader.cursor

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
                self._look_at_quiet()
            moved, self._moved = self._moved, set()
            try:
                async with asyncio.timeout(ANSWER_S):
                    await self._deliver(moved)
            except Exception:
                # All readers of this process depend on this loop: it never ends.
                logger.warning("reading streams failed", exc_info=True)
                await asyncio.sleep(_RETRY_S)
                self._look_at_all()

    async def _deliver(self, moved: set[str]) -> None:
        """Read once for every reader of the moved streams that has room."""
        counts: dict[Reader, int] = {}
        for reader in (r for i in moved for r in self._readers.get(i, ())):
            if reader.room:
                counts[reader] = min(_BATCH, reader.room)
            else:
                reader.is_behind = True
        if not counts:
            return
        wishes = [reader.wish for reader in counts]
        pipe = self._redis.pipeline(transaction=False)
        for reader, count in counts.items():
            pipe.xrange(stream_key(reader.generation_id), min=f"({reader.cursor}", count=count)
        answers: list[Any] = await pipe.execute(raise_on_error=False)
        for (reader, count), wish, raw in zip(counts.items(), wishes, answers, strict=True):
            if isinstance(raw, Exception):
                logger.error("reading %s failed: %s", reader.generation_id, raw)
                continue
            self._give(reader, map(parse_entry, raw))
            if len(raw) >= count:
                self.look_at(reader.generation_id)
            else:
                reader.grant(wish)
        await self._compare(
            [r for r in counts if r.quiet_looks and r.quiet_looks % _STRAY_LOOKS == 0]
        )

    async def _compare(self, readers: list[Reader]) -> None:
        """Find readers that stand beyond the end of their stream."""
        if not readers:
            return
        pipe = self._redis.pipeline(transaction=False)
        for reader in readers:
            pipe.xrevrange(stream_key(reader.generation_id), count=1)
        answers: list[Any] = await pipe.execute(raise_on_error=False)
        for reader, raw in zip(readers, answers, strict=True):
            if not isinstance(raw, Exception) and reader.compare(raw[0][0] if raw else None):
                self.look_at(reader.generation_id)

    @staticmethod
    def _give(reader: Reader, entries: Iterable[Entry]) -> None:
        """Entries that were read, but those that a poke has brought meanwhile."""
        for entry in entries:
            if cursor_order(entry.id) > cursor_order(reader.cursor):
                if not reader.room:
                    reader.is_behind = True
                    return
                reader.put(entry)


# A web process has one loop.
tailer = PerLoop(Tailer)
