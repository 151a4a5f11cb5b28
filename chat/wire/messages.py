"""What the server says over the WebSocket. Clients' messages are in `chat.protocol`."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from chat.wire.shapes import (
    AT_GENERATION,
    ENDING,
    GENERATION,
    LOGPROBS,
    LOST,
    STARTED,
    Cursor,
    Done,
    Error,
    GenerationId,
    Id,
    Queued,
    Started,
    Token,
    closed,
)


class _OfGeneration(TypedDict):
    generation: GenerationId
    id: Cursor


@closed()
class User(TypedDict):
    id: Id
    username: str


@closed()
class Limits(TypedDict):
    message_chars: Annotated[int, Field(description="Of one prompt.")]
    streams: Annotated[int, Field(description="Replies that one socket follows at a time.")]


@closed(
    {
        "type": "ready",
        "user": {"id": 7, "username": "ana"},
        "limits": {"message_chars": 4000, "streams": 8},
    }
)
class ReadyMessage(TypedDict):
    """The first message."""

    type: Literal["ready"]
    user: Annotated[User | None, Field(description="null for a guest.")]
    limits: Limits


@closed(
    {
        "type": "accepted",
        "generation": GENERATION,
        "conversation": 12,
        "user_message": 40,
        "assistant_message": 41,
        "client_id": "c1",
    }
)
class AcceptedMessage(TypedDict):
    """A prompt, regenerate, edit or continue is taken. Guests and
    temporary prompts have no conversation or messages.
    """

    type: Literal["accepted"]
    generation: GenerationId
    conversation: Id | None
    user_message: Id | None
    assistant_message: Id | None
    client_id: str


@closed({"type": "queued", **AT_GENERATION, "position": 3, "eta_s": 4.2})
class QueuedMessage(_OfGeneration, Queued):
    """It waits. Told again when the place changes; its `id` moves nobody forward."""

    type: Literal["queued"]


@closed({"type": "started", **AT_GENERATION, **STARTED})
class StartedMessage(_OfGeneration, Started):
    """The model reads the prompt. A second one means that the text begins anew, from seq 0."""

    type: Literal["started"]


@closed(
    {"type": "token", **AT_GENERATION, "seq": 0, "text": "Hello"},
    {"type": "token", **AT_GENERATION, "seq": 0, "text": "Hello", "logprobs": LOGPROBS},
)
class TokenMessage(_OfGeneration, Token):
    """The next words."""

    type: Literal["token"]


@closed({"type": "done", **AT_GENERATION, "text": "Hello there!", **ENDING})
class DoneMessage(_OfGeneration, Done):
    """The end of a reply; the text is what is stored."""

    type: Literal["done"]


@closed(
    {"type": "error", "client_id": "c2", "code": "queue_full",
     "detail": "EuGPT is busy. Try again in a moment.", "retry_after": 4},
    {"type": "error", **AT_GENERATION, **LOST},
    {"type": "error", "code": "suspended", "reason": "Spam", "until": "2026-12-01T12:00:00Z",
     "detail": "This account is suspended until 2026-12-01 12:00 UTC. Reason: Spam"},
)  # fmt: skip
class ErrorMessage(Error):
    """A message was refused (with its `client_id`), or a reply has failed (with an `id`)."""

    type: Literal["error"]
    id: NotRequired[Cursor]
    client_id: NotRequired[str]


@closed({"type": "conversation", "conversation": 12})
class ConversationMessage(TypedDict):
    """One of the member's conversations was changed, here or elsewhere: fetch it again."""

    type: Literal["conversation"]
    conversation: Id


@closed({"type": "pong"})
class PongMessage(TypedDict):
    """The answer to `ping`."""

    type: Literal["pong"]


SERVER_MESSAGES = (
    ReadyMessage, AcceptedMessage, QueuedMessage, StartedMessage, TokenMessage, DoneMessage,
    ErrorMessage, ConversationMessage, PongMessage,
)  # fmt: skip
