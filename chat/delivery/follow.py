"""Following one generation to its end: one sequence of events for SSE and WebSocket alike.

The stream is the truth. Where it says nothing for a while, the row is asked: it tells the place
in the queue, and the end when the stream has expired or its end entry was lost.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar

import django.db
import redis.exceptions
from channels.db import database_sync_to_async

from chat.delivery import streams
from chat.delivery.endings import end_event
from chat.delivery.streams import Entry
from chat.delivery.tailer import Reader, tailer
from chat.generation.queue import QueuePlace, queue_place
from chat.models import UNFINISHED, Generation, Status

T = TypeVar("T")

# A database or Redis that does not answer is no news about the reply: it may well go on.
OUTAGES = (django.db.Error, redis.exceptions.RedisError)

QUEUE_LOOK_S = 1.0
ROW_LOOK_S = 5.0
QUIET_LIMIT_S = 300.0
GONE = {"code": "not_found", "detail": "This reply no longer exists."}
QUIET = {"code": "timeout", "detail": "Nothing came for a long time. Please try again."}


async def follow(
    generation_id: uuid.UUID, after: str = streams.START, place: QueuePlace | None = None
) -> AsyncGenerator[Entry, None]:
    """Give every entry after the cursor, and `queued` events while it waits; ends with the end.

    `place` is where a new generation joined the queue, told first even if its wait is over by
    now. `queued` events carry the reader's cursor as their id: they move nobody forward.
    """
    async with tailer().reader(str(generation_id), after) as reader:
        queue = _QueueWatch(reader, place)
        if (first := await queue.news()) is not None:
            yield first
        heard = looked = time.monotonic()
        while True:
            entry = await reader.next(QUEUE_LOOK_S if queue.is_waiting else ROW_LOOK_S)
            if entry is not None:
                heard = looked = time.monotonic()
                queue.is_waiting = False
            elif time.monotonic() - looked >= ROW_LOOK_S:
                looked = time.monotonic()
                entry = await _row_end(reader, is_too_quiet=looked - heard > QUIET_LIMIT_S)
            else:
                entry = await queue.news()
            if entry is not None:
                yield entry
                if entry.is_end:
                    return


class _QueueWatch:
    """Tells the place in the queue, once each time it changes."""

    def __init__(self, reader: Reader, place: QueuePlace | None) -> None:
        self._reader = reader
        self._joined = place
        self._told: dict[str, float] = {}
        self.is_waiting = True

    async def news(self) -> Entry | None:
        """A `queued` event, or None when it would say nothing new."""
        if not self.is_waiting:
            return None
        place, self._joined = self._joined, None
        try:
            data = place.to_dict() if place else await in_thread(self._look)
        except OUTAGES:
            return None
        self.is_waiting = data is not None
        if data is None or data == self._told:
            return None
        self._told = data
        return Entry.of(self._reader.cursor, "queued", data)

    def _look(self) -> dict[str, float] | None:
        rows = Generation.objects.filter(pk=self._reader.generation_id, status=Status.QUEUED)
        row = rows.first()
        return queue_place(row).to_dict() if row else None


async def _row_end(reader: Reader, *, is_too_quiet: bool) -> Entry | None:
    """The end as the row knows it, if it has ended and the stream does not tell."""

    def look() -> tuple[str, dict[str, Any]] | None:
        rows = Generation.objects.select_related("message").filter(pk=reader.generation_id)
        row = rows.first()
        if row is None:
            return "error", GONE
        if row.status in UNFINISHED:
            is_stuck = is_too_quiet and row.status == Status.RUNNING
            return ("error", QUIET) if is_stuck else None
        if row.message is not None:
            return end_event(row, row.message.content)
        return end_event(row, streams.read_written(reader.generation_id).text)

    try:
        end = await in_thread(look)
    except OUTAGES:
        return None
    if end is None:
        return None
    late = await reader.next(0.01)  # what came while the row was asked goes first
    return late or Entry.of(reader.cursor, *end)


async def in_thread(service: Callable[[], T]) -> T:
    """Run blocking work in a thread that gives its database connection back afterwards."""
    result: T = await database_sync_to_async(service, thread_sensitive=False)()
    return result


async def with_keep_alive(
    events: AsyncGenerator[Entry, None], every_s: float
) -> AsyncGenerator[Entry | None, None]:
    """The same events, and None whenever nothing came for `every_s` seconds."""
    pending: asyncio.Future[Entry] | None = None
    try:
        while True:
            if pending is None:
                pending = asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait({pending}, timeout=every_s)
            if not done:
                yield None
                continue
            task, pending = pending, None
            try:
                yield task.result()
            except StopAsyncIteration:
                return
    finally:
        if pending is not None:
            pending.cancel()
            await asyncio.gather(pending, return_exceptions=True)
        await events.aclose()
