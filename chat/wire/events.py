"""The events of streams: `id:`, `event:` and `data:` of each as one object."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from chat.wire.shapes import (
    AT_GENERATION,
    ENDING,
    LOST,
    STARTED,
    Cursor,
    Ending,
    Error,
    Queued,
    Started,
    WithLogprobs,
    closed,
)


class _Event(TypedDict):
    id: Cursor


@closed()
class ContextCleared(TypedDict):
    message: Annotated[str, Field(description="A sentence for people.")]


@closed()
class SseToken(WithLogprobs):
    token: Annotated[str, Field(min_length=1, description="The next words.")]


@closed()
class SseDone(Ending):
    full_text: Annotated[str, Field(description="What is stored.")]


_AT = {"id": AT_GENERATION["id"]}


@closed({"id": "0-0", "event": "queued", "data": {"position": 3, "eta_s": 4.2}})
class QueuedEvent(_Event):
    """It waits. Told again when the place changes."""

    event: Literal["queued"]
    data: Queued


@closed({**_AT, "event": "started", "data": STARTED})
class StartedEvent(_Event):
    """The model reads the prompt. A second one means that the text begins anew."""

    event: Literal["started"]
    data: Started


@closed(
    {
        **_AT,
        "event": "context_cleared",
        "data": {"message": "2 earlier messages do not fit into the model's memory any more."},
    }
)
class ContextClearedEvent(_Event):
    """Follows `started` when old messages were left out."""

    event: Literal["context_cleared"]
    data: ContextCleared


@closed({"id": "1795348800050-0", "event": "token", "data": {"token": "Hello there!"}})
class TokenEvent(_Event):
    """The next words."""

    event: Literal["token"]
    data: SseToken


@closed({"id": "1795348800090-0", "event": "done", "data": {"full_text": "Hello there!", **ENDING}})
class DoneEvent(_Event):
    """The end of a reply."""

    event: Literal["done"]
    data: SseDone


@closed(
    {
        **_AT,
        "event": "error",
        "data": LOST,
    }
)
class ErrorEvent(_Event):
    """The reply has failed, or the stream has: then resume from the last `id`."""

    event: Literal["error"]
    data: Error


SSE_EVENTS = (
    QueuedEvent, StartedEvent, ContextClearedEvent, TokenEvent, DoneEvent, ErrorEvent,
)  # fmt: skip
