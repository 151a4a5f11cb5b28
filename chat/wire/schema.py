"""One JSON Schema of all that travels over WebSocket and event streams, made from the types."""

import json
from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from chat import protocol
from chat.wire.events import SSE_EVENTS, DoneEvent, QueuedEvent, StartedEvent, TokenEvent
from chat.wire.messages import SERVER_MESSAGES
from chat.wire.shapes import AT_GENERATION, GENERATION

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REF = "#/$defs/{model}"
_ABOUT = {
    "ClientMessage": "What a client sends over /ws/chat/.",
    "ServerMessage": "What a client is sent over /ws/chat/.",
    "SseEvent": "An event of a stream; its `data` is JSON.",
}
CLIENT_EXAMPLES: dict[str, dict[str, Any]] = {
    "prompt": {"text": "Hello!", "client_id": "c1", "params": {"max_tokens": 60}},
    "regenerate": {"message": 41, "client_id": "c2"},
    "edit": {"message": 40, "text": "Hello again!", "client_id": "c3"},
    "continue": {"message": 41, "client_id": "c4"},
    "branch": {"message": 41, "at": 0, "token": 13347, "client_id": "c5"},
    "cancel": {"generation": GENERATION},
    "resume": {"generation": GENERATION, "after": AT_GENERATION["id"]},
    "ping": {},
}


class _Untitled(GenerateJsonSchema):
    """Titles that repeat a field's name would become type names in other languages."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def events_schema() -> dict[str, Any]:
    """One document; its `$defs` has ClientMessage, ServerMessage and SseEvent."""
    groups: dict[str, dict[str, TypeAdapter[Any]]] = {
        "ClientMessage": dict(protocol.BY_TYPE),
        "ServerMessage": {kind.__name__: TypeAdapter(kind) for kind in SERVER_MESSAGES},
        "SseEvent": {kind.__name__: TypeAdapter(kind) for kind in SSE_EVENTS},
    }
    inputs: Any = [
        ((group, name), "validation", adapter)
        for group, adapters in groups.items()
        for name, adapter in adapters.items()
    ]
    schemas, document = TypeAdapter.json_schemas(
        inputs, ref_template=_REF, schema_generator=_Untitled
    )
    references = {key: schema for (key, _), schema in schemas.items()}
    definitions: dict[str, Any] = document["$defs"]
    for kind, example in CLIENT_EXAMPLES.items():
        name = references["ClientMessage", kind]["$ref"].rpartition("/")[2]
        definitions[name]["examples"] = [{"type": kind, **example}]
    for group, adapters in groups.items():
        members = [references[group, name] for name in adapters]
        definitions[group] = {"description": _ABOUT[group], "oneOf": members}
    return {
        "$schema": DIALECT,
        "title": "EuGPT events",
        "description": "The messages of the WebSocket /ws/chat/ and the events of event streams.",
        "anyOf": [{"$ref": _REF.format(model=group)} for group in groups],
        "$defs": dict(sorted(definitions.items())),
    }


def sse_example() -> str:
    """A short stream, as it looks on the wire."""
    return "".join(_sse_lines())


def _sse_lines() -> Iterator[str]:
    for kind in (QueuedEvent, StartedEvent, TokenEvent, DoneEvent):
        (event,) = TypeAdapter(kind).json_schema()["examples"]
        data = json.dumps(event["data"])
        yield f"id: {event['id']}\nevent: {event['event']}\ndata: {data}\n\n"
