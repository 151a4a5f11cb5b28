"""Following one generation to its end: one sequence of events for SSE and WebSocket alike.

The stream is the truth. Where it says nothing for a while, the row is asked: it tells whether the
reply waits in the queue again, and its end when the stream has expired or lost its end entry.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from asyncio import FIRST_COMPLETED
from collections.abc import AsyncGenerator
from typing import Any, NamedTuple

from accounts.watch import Ended
from chat.delivery import streams
from chat.delivery.board import Waiting, board
from chat.delivery.endings import end_event
from chat.delivery.streams import Entry
from chat.delivery.tailer import Reader, tailer
from chat.delivery.threads import OUTAGES, in_thread
from chat.generation.queue import QueuePlace, queue_place
from chat.metrics import entry_sent, error_told
from chat.models import UNFINISHED, FinishReason, Generation, Status

__all__ = ["OUTAGES", "follow", "in_thread", "with_keep_alive"]

ROW_LOOK_S = 5.0
# Quiet is a reply of which nothing was told: no entry, and no change of its place in the queue.
QUIET_LIMIT_S = 300.0
GONE = {"code": "not_found", "detail": "This reply no longer exists."}
QUIET = {"code": "timeout", "detail": "Nothing came for a long time. Please try again."}
EXPIRED = {"code": "reply_expired", "detail": "The text of this reply is no longer kept."}


async def follow(
    generation_id: uuid.UUID, after: str = streams.START, place: QueuePlace | None = None
) -> AsyncGenerator[Entry, None]:
    """Give every entry after the cursor, and `queued` events while it waits; ends with the end.

    `place` is where a new generation joined the queue, told first even if its wait is over by
    now. `queued` events carry the reader's cursor as their id: they move nobody forward.
    """
    async with tailer().reader(str(generation_id), after) as reader:
        following = _Following(reader)
        # A new reply may have begun before its reader: all of that is news.
        began_ms, last_id = 0.0 if place else time.time() * 1000, after
        try:
            await following.begin(place)
            while True:
                entry = await following.next()
                yield entry
                if entry.id != last_id:  # it stood in the stream: the row and the queue have no ids
                    last_id = entry.id
                    entry_sent(last_id, began_ms)
                if entry.is_end:
                    return
        finally:
            following.leave_queue()


class _Row(NamedTuple):
    """What the row says: whether it waits and where, or how it has ended."""

    place: QueuePlace | None = None
    end: tuple[str, dict[str, Any]] | None = None


class _Following:
    """One reader between its stream, the queue and the row."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._waiting: Waiting | None = None
        self._end: tuple[str, dict[str, Any]] | None = None  # as the row tells it
        self._heard = self._looked = time.monotonic()

    async def begin(self, place: QueuePlace | None) -> None:
        if place is not None:
            self._waiting = board().join(self._reader, place)
        else:
            await self._look()

    async def next(self) -> Entry:
        """The next event, however long it takes."""
        entry = None
        while entry is None:
            entry = self._queue_news() or await self._reader.next(ROW_LOOK_S)
            if entry is None:
                entry = await self._silence()
            elif entry.type != "queued":
                self.leave_queue()
        self._heard = self._looked = time.monotonic()
        return entry

    def leave_queue(self) -> None:
        if self._waiting is not None:
            board().leave(self._waiting)
            self._waiting = None

    def _queue_news(self) -> Entry | None:
        if self._waiting is None or (place := self._waiting.news()) is None:
            return None
        return Entry.of(self._reader.cursor, "queued", place.to_dict())

    async def _silence(self) -> Entry | None:
        """The stream has nothing just now: the end of the row, if it has ended, or a time-out."""
        if self._waiting is not None and self._waiting.is_over:
            self.leave_queue()
        if self._end is not None and self._reader.has_caught_up:
            return self._told(*self._end)
        if time.monotonic() - self._looked >= ROW_LOOK_S:
            await self._look()
        if time.monotonic() - self._heard > QUIET_LIMIT_S:
            return self._told("error", QUIET)
        return None

    def _told(self, kind: str, data: dict[str, Any]) -> Entry:
        """An end that stands in no stream; one that is an error of its own is counted."""
        if data in (GONE, QUIET, EXPIRED):
            error_told(data["code"])
        return Entry.of(self._reader.cursor, kind, data)

    async def _look(self) -> None:
        """Ask the row. Its end is told once all that the stream has was read after this."""
        self._looked = time.monotonic()
        try:
            row = await in_thread(self._read_row)
        except OUTAGES:
            return
        if row.end is not None:
            self._reader.read_again()
            self._end = row.end
        elif row.place is not None and self._waiting is None:
            self._waiting = board().join(self._reader, row.place)

    def _read_row(self) -> _Row:
        rows = Generation.objects.select_related("message")
        row = rows.filter(pk=self._reader.generation_id).first()
        if row is None:
            return _Row(end=("error", GONE))
        if row.status == Status.QUEUED:
            return _Row(queue_place(row))
        if row.status in UNFINISHED:
            return _Row()
        if row.message is not None:
            return _Row(end=end_event(row, row.message.content))
        if row.finish_reason == FinishReason.FILTERED:  # its text stood in the stream alone
            return _Row(end=("error", EXPIRED))
        written = streams.read_written(self._reader.generation_id)
        if len(written.token_ids) < row.completion_tokens:
            return _Row(end=("error", EXPIRED))
        return _Row(end=end_event(row, written.text))


async def with_keep_alive(
    events: AsyncGenerator[Entry, None], every_s: float, ended: Ended | None = None
) -> AsyncGenerator[Entry | None, None]:
    """The same events, and None whenever nothing came for `every_s` seconds.

    Raises what `ended` is set to, when the reader's session ends before the events do.
    """
    pending: asyncio.Future[Entry] | None = None
    try:
        while True:
            if pending is None:
                pending = asyncio.ensure_future(anext(events))
            news: set[asyncio.Future[Any]] = {pending} if ended is None else {pending, ended}
            done, _ = await asyncio.wait(news, timeout=every_s, return_when=FIRST_COMPLETED)
            if ended is not None and ended.done():
                raise ended.result()
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
