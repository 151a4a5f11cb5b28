"""Following one generation to its end: one sequence of events for SSE and WebSocket alike.

The stream is the truth. Where it says nothing for a while, the row is asked: it tells the place
in the queue, and the end when the stream has expired or its end entry was lost.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async

from chat.delivery import streams
from chat.delivery.endings import end_event
from chat.delivery.streams import Entry
from chat.delivery.tailer import Reader, tailer
from chat.generation.queue import queue_place
from chat.models import UNFINISHED, Generation, Status

QUEUE_LOOK_S = 1.0
ROW_LOOK_S = 5.0
QUIET_LIMIT_S = 300.0
GONE = {"code": "not_found", "detail": "This reply no longer exists."}
QUIET = {"code": "timeout", "detail": "Nothing came for a long time. Please try again."}


async def follow(generation_id: uuid.UUID, after: str = streams.START) -> AsyncIterator[Entry]:
    """Give every entry after the cursor, and `queued` events while it waits; ends with the end.

    `queued` events carry the reader's cursor as their id: they move nobody forward.
    """
    async with tailer().reader(str(generation_id), after) as reader:
        place = await _queued_entry(generation_id, reader)
        is_waiting = place is not None
        if place is not None:
            yield place
        last_news = last_look = time.monotonic()
        while True:
            entry = await reader.next(QUEUE_LOOK_S if is_waiting else ROW_LOOK_S)
            now = time.monotonic()
            if entry is not None:
                yield entry
                if entry.is_end:
                    return
                is_waiting, last_news, last_look = False, now, now
                continue
            if is_waiting:
                changed = await _queued_entry(generation_id, reader)
                is_waiting = changed is not None
                if changed is not None and place is not None and changed.data != place.data:
                    yield changed
                    place = changed
            if now - last_look >= ROW_LOOK_S:
                last_look = now
                end = await _row_end(generation_id, reader)
                if end is not None:
                    yield end
                    return
            if now - last_news > QUIET_LIMIT_S:
                yield Entry(reader.cursor, "error", QUIET)
                return


async def _queued_entry(generation_id: uuid.UUID, reader: Reader) -> Entry | None:
    """The place in the queue as an event; None when it does not wait any more."""

    def look() -> dict[str, float] | None:
        row = Generation.objects.filter(pk=generation_id, status=Status.QUEUED).first()
        if row is None:
            return None
        place = queue_place(row)
        return {"position": place.position, "eta_s": place.eta_s}

    data = await sync_to_async(look, thread_sensitive=False)()
    return Entry(reader.cursor, "queued", data) if data else None


async def _row_end(generation_id: uuid.UUID, reader: Reader) -> Entry | None:
    """The end as the row knows it, if it has ended and the stream will not tell."""

    def look() -> tuple[str, dict[str, object]] | None:
        row = Generation.objects.select_related("message").filter(pk=generation_id).first()
        if row is None:
            return "error", dict(GONE)
        if row.status in UNFINISHED:
            return None
        if row.message is not None:
            return end_event(row, row.message.content)
        return end_event(row, streams.read_written(str(generation_id)).text)

    end = await sync_to_async(look, thread_sensitive=False)()
    if end is None:
        return None
    # The end entry may have come while we asked.
    entry = await reader.next(0.01)
    return entry if entry is not None and entry.is_end else Entry(reader.cursor, *end)


async def generation_for_reader(
    *, user_id: int | None, generation_id: uuid.UUID
) -> Generation | None:
    """A generation that this user, or any guest who knows its secret id, may read and stop."""
    row = await Generation.objects.filter(pk=generation_id).afirst()
    if row is None or (row.user_id is not None and row.user_id != user_id):
        return None
    return row


async def with_keep_alive(
    events: AsyncIterator[Entry], every_s: float
) -> AsyncIterator[Entry | None]:
    """The same events, and None whenever nothing came for `every_s` seconds."""
    iterator = aiter(events)
    pending: asyncio.Task[Entry] | None = None
    try:
        while True:
            if pending is None:
                pending = asyncio.ensure_future(anext(iterator))
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
        await events.aclose()  # type: ignore[attr-defined]
