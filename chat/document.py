"""The JSON of an exported conversation: its shape, and whether its messages are a tree.

Everything in it is somebody's claim; only what a conversation of our own could have been passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.utils import timezone
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
)

from chat.errors import Invalid
from chat.generation.history import MESSAGE_MAX_CHARS
from chat.models import TITLE_MAX_CHARS, FinishReason, Role, Status
from chat.safety.models import NOTICE_MAX_CHARS, Category

MESSAGES_MAX = 10_000
# A reply that was continued again and again grows; a prompt is as long as a prompt may be.
REPLY_MAX_CHARS = 100_000
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


def _check_text(value: str) -> str:
    if "\x00" in value:
        raise ValueError("NUL is not a character of a text")
    value.encode()  # raises a ValueError for half a character
    return value


def _check_is_text(value: Any) -> Any:
    if not isinstance(value, str):  # pydantic takes numbers, too, as seconds
        raise ValueError("a time as a text is expected")  # noqa: TRY004  (pydantic's error)
    return value


def _check_time(value: datetime) -> datetime:
    """Nothing is from the future, or an import would stay at the top of the list for years."""
    if value < _EARLIEST:
        raise ValueError("a time after 1970 is expected")
    now = timezone.now()
    return now if value > now else value.astimezone(UTC)


Text = Annotated[str, AfterValidator(_check_text)]
Time = Annotated[AwareDatetime, BeforeValidator(_check_is_text), AfterValidator(_check_time)]
Count = Annotated[StrictInt, Field(ge=0, le=1_000_000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DocumentNotice(_Part):
    category: Category
    text: Annotated[Text, Field(max_length=NOTICE_MAX_CHARS)]


class DocumentGeneration(_Part):
    model: Annotated[Text, Field(max_length=80)] = ""
    status: Status
    finish_reason: FinishReason = FinishReason.NONE
    error_code: Annotated[str, Field(pattern=r"^[a-z_]{0,40}$")] = ""
    # Taken and left out: a notice is this site's word, not that of who brings a file.
    notice: DocumentNotice | None = None
    params: dict[str, Any] = {}
    prompt_tokens: Count = 0
    completion_tokens: Count = 0
    context_trimmed: Count = 0


class DocumentMessage(_Part):
    id: Annotated[StrictInt, Field(ge=1, le=2**53)]
    parent: StrictInt | None
    role: Role
    content: Annotated[Text, Field(max_length=REPLY_MAX_CHARS)]
    created_at: Time
    is_hidden: StrictBool = False
    generation: DocumentGeneration | None = None


class DocumentConversation(_Part):
    uuid: UUID
    title: Annotated[Text, Field(min_length=1, max_length=TITLE_MAX_CHARS, pattern=r"\S")]
    created_at: Time
    updated_at: Time
    pinned: StrictBool = False
    archived: StrictBool = False
    head: StrictInt | None


class Document(_Part):
    """What `chat.exports` writes as JSON."""

    format: Literal["eugpt.conversation"]
    version: Literal[1]
    conversation: DocumentConversation
    messages: Annotated[list[DocumentMessage], Field(max_length=MESSAGES_MAX)]


def document_check(document: Any) -> Document:
    """A document whose messages are a tree; raises Invalid."""
    try:
        checked = Document.model_validate(document)
    except ValidationError as error:
        raise _invalid(
            {".".join(map(str, e["loc"])): e["msg"] for e in error.errors(include_url=False)[:5]}
        ) from None
    _check_tree(checked.messages)
    if checked.conversation.head not in {None, *(message.id for message in checked.messages)}:
        raise _invalid({"conversation.head": "There is no message of this id."})
    return checked


def _check_tree(messages: Sequence[DocumentMessage]) -> None:
    """Parents stand before their children, so there is no circle; roles make sense."""
    all_ids = {message.id for message in messages}
    roles: dict[int, Role] = {}
    for i, message in enumerate(messages):
        place = f"messages.{i}"
        if message.id in roles:
            raise _invalid({f"{place}.id": "Two messages have this id."})
        if message.parent is not None and message.parent not in roles:
            later = "must stand before it" if message.parent in all_ids else "is not there"
            raise _invalid({f"{place}.parent": f"The parent of a message {later}."})
        parent_role = roles.get(message.parent) if message.parent is not None else None
        if message.role == Role.ASSISTANT and parent_role != Role.USER:
            raise _invalid({f"{place}.role": "The assistant answers a user's message."})
        if message.is_hidden and message.content:
            raise _invalid({f"{place}.content": "A hidden message has none."})
        if message.role == Role.USER:
            if parent_role == Role.USER:
                raise _invalid({f"{place}.role": "The user answers the assistant's message."})
            _check_prompt(place, message)
        roles[message.id] = message.role


def _check_prompt(place: str, message: DocumentMessage) -> None:
    is_empty = not message.content.strip() and not message.is_hidden
    if is_empty or len(message.content) > MESSAGE_MAX_CHARS:
        expected = f"1 to {MESSAGE_MAX_CHARS} characters are expected."
        raise _invalid({f"{place}.content": expected})
    if message.generation is not None:
        raise _invalid({f"{place}.generation": "Only a reply has one."})


def _invalid(fields: dict[str, str]) -> Invalid:
    place, message = next(iter(fields.items()))
    return Invalid(
        f"This is not a conversation of EuGPT: {place}: {message}",
        fields={name: [text] for name, text in fields.items()},
    )
