"""The WebSocket messages: what clients may send, checked, and what entries look like to them."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from chat.delivery.streams import Entry, parse_cursor
from chat.errors import Invalid

_CLIENT_ID = r"^[\x20-\x7e]{1,64}$"


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Prompt(_Message):
    """Submit a prompt. Members name a conversation or begin one; guests send their history."""

    type: Literal["prompt"]
    text: str
    client_id: str = Field(pattern=_CLIENT_ID)
    conversation: int | None = Field(default=None, ge=1)
    history: list[dict[str, Any]] | None = None
    params: dict[str, Any] | None = None


class Cancel(_Message):
    type: Literal["cancel"]
    generation: str = Field(max_length=40)


class Resume(_Message):
    """Follow a generation from the entry after `after`, or from its start."""

    type: Literal["resume"]
    generation: str = Field(max_length=40)
    after: str | None = None

    @field_validator("after")
    @classmethod
    def _check_after(cls, value: str | None) -> str | None:
        if value is not None and parse_cursor(value) is None:
            raise ValueError("a stream id is expected")
        return value


class Ping(_Message):
    type: Literal["ping"]


ClientMessage = Prompt | Cancel | Resume | Ping
_BY_TYPE: dict[str, TypeAdapter[Any]] = {
    "prompt": TypeAdapter(Prompt),
    "cancel": TypeAdapter(Cancel),
    "resume": TypeAdapter(Resume),
    "ping": TypeAdapter(Ping),
}


def parse_message(text: str | None) -> ClientMessage:
    """Parse one frame; raises Invalid with a `client_id` where one can be read."""
    try:
        raw = json.loads(text or "")
        json.dumps(raw, ensure_ascii=False).encode()  # lone surrogates end here
    except (ValueError, RecursionError):
        raise Invalid("A message is a JSON object.") from None
    if not isinstance(raw, dict):
        raise Invalid("A message is a JSON object.")
    adapter = _BY_TYPE.get(raw["type"]) if isinstance(raw.get("type"), str) else None
    if adapter is None:
        raise Invalid(f"The type must be one of {', '.join(_BY_TYPE)}.", **_echo(raw))
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


def entry_message(generation_id: uuid.UUID, entry: Entry) -> str:
    """What an entry looks like on the socket; its JSON object is passed on without being read."""
    more = "," + entry.body[1:] if entry.body != "{}" else "}"
    return f'{{"type":"{entry.type}","generation":"{generation_id}","id":"{entry.id}"{more}'


def _echo(raw: dict[str, Any]) -> dict[str, str]:
    client_id = raw.get("client_id")
    if isinstance(client_id, str) and re.fullmatch(_CLIENT_ID, client_id):
        return {"client_id": client_id}
    return {}
