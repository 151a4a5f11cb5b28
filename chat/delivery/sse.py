"""Stream entries as server-sent events: the names and shapes that SSE clients know."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

from django.db import close_old_connections
from django.http import StreamingHttpResponse

from accounts.errors import error_describe
from accounts.models import User
from accounts.watch import session_watch
from chat.delivery import streams
from chat.delivery.follow import follow, with_keep_alive
from chat.delivery.streams import Entry
from chat.generation.queue import QueuePlace
from chat.metrics import connection_open, error_told
from chat.places import Place

logger = logging.getLogger(__name__)

KEEP_ALIVE_S = 15.0


class EventStream(StreamingHttpResponse):
    """A streaming answer that holds one of its reader's places until it is closed."""

    place: Place | None = None

    def close(self) -> None:
        try:
            super().close()
        finally:
            if self.place is not None:
                self.place.close()


def sse_response(
    generation_id: uuid.UUID,
    after: str = streams.START,
    place: QueuePlace | None = None,
    reader: User | None = None,
) -> EventStream:
    """The streaming answer; its headers go out at once. It ends with the reader's session.

    Called in the view's thread, whose database connection goes back to the pool here: Django would
    keep it until the last word.
    """
    close_old_connections()
    response = EventStream(
        _chunks(follow(generation_id, after, place), after, reader),
        content_type="text/event-stream; charset=utf-8",
    )
    response["Cache-Control"] = "no-store, no-transform"
    response["X-Accel-Buffering"] = "no"
    response["X-Generation-Id"] = str(generation_id)
    return response


async def _chunks(
    entries: AsyncGenerator[Entry, None], cursor: str, reader: User | None
) -> AsyncIterator[bytes]:
    """Each event with the cursor behind it; an error of our own moves the reader nowhere."""
    try:
        async with AsyncExitStack() as stack:
            stack.enter_context(connection_open("sse"))
            ended = None
            if reader is not None:
                watch = session_watch(reader.pk, reader.token_version, reader.session_id)
                ended = await stack.enter_async_context(watch)
            async for entry in with_keep_alive(entries, KEEP_ALIVE_S, ended):
                if entry is None:
                    yield b": keep-alive\n\n"
                    continue
                cursor = entry.id
                for event, data in sse_events(entry):
                    yield _encode(cursor, event, data)
    except Exception as error:
        info = error_describe(error)
        error_told(info.code)
        if info.is_internal:
            logger.exception("a stream failed")
        yield _encode(cursor, "error", info.body)


def _encode(cursor: str, event: str, data: dict[str, Any]) -> bytes:
    return f"id: {cursor}\nevent: {event}\ndata: {json.dumps(data)}\n\n".encode()


def sse_events(entry: Entry) -> list[tuple[str, dict[str, Any]]]:
    """The SSE events of one entry, in order."""
    data = entry.data
    if entry.type == "started":
        events = [("started", data)]
        if trimmed := data.get("context_trimmed"):
            events.append(("context_cleared", {"message": trimmed_message(trimmed)}))
        return events
    if entry.type == "token":
        logprobs = {"logprobs": data["logprobs"]} if "logprobs" in data else {}
        return [("token", {"token": data["text"], **logprobs})]
    if entry.type == "done":
        rest = {name: value for name, value in data.items() if name != "text"}
        return [("done", {"full_text": data["text"], **rest})]
    return [(entry.type, data)]


def trimmed_message(count: int) -> str:
    messages = "1 earlier message does" if count == 1 else f"{count} earlier messages do"
    return f"{messages} not fit into the model's memory any more."
