"""The WebSocket messages: what clients may send, checked, and what they are sent."""

from __future__ import annotations

import json
import logging
import re
import uuid
from typing import Annotated, Any, Literal, NoReturn

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    field_validator,
)
from typing_extensions import TypeAliasType

from accounts.errors import error_describe
from chat.delivery.streams import Entry, parse_cursor
from chat.errors import Invalid
from chat.generation.checks import CLIENT_ID_PATTERN
from chat.generation.history import HISTORY_MAX_TURNS, MESSAGE_MAX_CHARS, TURN_SCHEMA
from chat.metrics import error_told
from inference.public import params_schema

logger = logging.getLogger(__name__)

_MAX_DEPTH = 8  # a valid message needs 3

Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
GenerationId = Annotated[str, Field(max_length=40)]
# What the services check stands in the schema alone: their errors say more than pydantic's.
_TEXT: Any = {"minLength": 1, "maxLength": MESSAGE_MAX_CHARS}
Text = Annotated[str, Field(json_schema_extra=_TEXT)]
Params = TypeAliasType("Params", Annotated[dict[str, Any], WithJsonSchema(params_schema())])
Turn = TypeAliasType("Turn", Annotated[dict[str, Any], WithJsonSchema(TURN_SCHEMA)])
_HISTORY: Any = {"maxItems": HISTORY_MAX_TURNS}
History = Annotated[list[Turn], Field(json_schema_extra=_HISTORY)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Submission(_Message):
    """What asks for a reply; a repeated `client_id` asks for the same one."""

    client_id: str = Field(pattern=CLIENT_ID_PATTERN)
    params: Params | None = None


class Prompt(_Submission):
    """Members name a conversation or begin one; guests send their history, as do members with
    `temporary`: then nothing of the text is stored.
    """

    type: Literal["prompt"]
    text: Text
    conversation: Id | None = None
    history: History | None = None
    temporary: bool = False


class Regenerate(_Submission):
    """Another reply beside the assistant's message."""

    type: Literal["regenerate"]
    message: Id


class Edit(_Submission):
    """Another prompt beside the user's message."""

    type: Literal["edit"]
    message: Id
    text: Text


class Continue(_Submission):
    """A longer reply beside one that was cut short."""

    type: Literal["continue"]
    message: Id


class Branch(_Submission):
    """A reply that says another recorded token at place `at`, and then what it will."""

    type: Literal["branch"]
    message: Id
    at: Annotated[int, Field(ge=0, le=2**31 - 1)]
    token: Annotated[int, Field(ge=0, le=2**31 - 1)]


class Cancel(_Message):
    type: Literal["cancel"]
    generation: GenerationId


class Resume(_Message):
    """Follow a generation from the entry after `after`, or from its start."""

    type: Literal["resume"]
    generation: GenerationId
    after: str | None = None

    @field_validator("after")
    @classmethod
    def _check_after(cls, value: str | None) -> str | None:
        if value is not None and parse_cursor(value) is None:
            raise ValueError("a stream id is expected")
        return value


class Ping(_Message):
    type: Literal["ping"]


ClientMessage = Prompt | Regenerate | Edit | Continue | Branch | Cancel | Resume | Ping
BY_TYPE: dict[str, TypeAdapter[Any]] = {
    "prompt": TypeAdapter(Prompt),
    "regenerate": TypeAdapter(Regenerate),
    "edit": TypeAdapter(Edit),
    "continue": TypeAdapter(Continue),
    "branch": TypeAdapter(Branch),
    "cancel": TypeAdapter(Cancel),
    "resume": TypeAdapter(Resume),
    "ping": TypeAdapter(Ping),
}


def parse_message(text: str | None) -> ClientMessage:
    """Parse one frame; raises Invalid with a `client_id` where one can be read."""
    raw = _parse_object(text)
    adapter = BY_TYPE.get(raw["type"]) if isinstance(raw.get("type"), str) else None
    if adapter is None:
        raise Invalid(f"The type must be one of {', '.join(BY_TYPE)}.", **_echo(raw))
    try:
        message: ClientMessage = adapter.validate_python(raw)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise Invalid(f"{where}: {problem['msg']}"[:300], **_echo(raw)) from None
    return message


def parse_uuid(value: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(value)
    except ValueError:
        return None


def encode(message: dict[str, Any]) -> str:
    return json.dumps(message)


def entry_message(generation_id: uuid.UUID, entry: Entry) -> str:
    """What an entry looks like on the socket; its JSON object is passed on without being read."""
    more = "," + entry.body[1:] if entry.body != "{}" else "}"
    return f'{{"type":"{entry.type}","generation":"{generation_id}","id":"{entry.id}"{more}'


def error_message(
    error: Exception, about: ClientMessage | None = None, **names: Any
) -> dict[str, Any]:
    """An exception as clients see it, with what it is about; logs what nobody foresaw."""
    info = error_describe(error)
    error_told(info.code)
    if info.is_internal:
        logger.error("a message failed", exc_info=error)
    if about is not None:
        names |= about.model_dump(include={"client_id", "generation"}, exclude_none=True)
    return {"type": "error", **names, **info.body}


def _parse_object(text: str | None) -> dict[str, Any]:
    """The frame as an object; raises Invalid for what JSON or UTF-8 cannot say in one way."""
    try:
        raw = json.loads(text or "", parse_constant=_refuse, object_pairs_hook=_unique)
        if _is_deep(raw, _MAX_DEPTH):
            raise ValueError("too deep")
        json.dumps(raw, ensure_ascii=False).encode()  # lone surrogates end here
    except (ValueError, RecursionError):
        raise Invalid("A message is a JSON object.") from None
    if not isinstance(raw, dict):
        raise Invalid("A message is a JSON object.")
    return raw


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Readers differ about which of two equal names counts."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _is_deep(value: Any, left: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    children = value.values() if isinstance(value, dict) else value
    return left == 0 or any(_is_deep(child, left - 1) for child in children)


def _echo(raw: dict[str, Any]) -> dict[str, str]:
    client_id = raw.get("client_id")
    if isinstance(client_id, str) and re.fullmatch(CLIENT_ID_PATTERN, client_id):
        return {"client_id": client_id}
    return {}
