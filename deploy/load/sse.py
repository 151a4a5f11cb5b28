"""Lines of server-sent events as events: EuGPT's own, and those of /v1 in the same shape."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

Event = tuple[str, str, dict[str, Any]]
_END = "[DONE]"


def events(lines: Iterable[bytes]) -> Iterator[Event]:
    """(event, id, data) of each event; comments and unfinished events are passed over."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.decode().partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield fields["event"], fields["id"], json.loads(fields["data"])
            fields = {}


def v1_events(lines: Iterable[bytes]) -> Iterator[Event]:
    """The chunks of a completion as `token`, `done` and `error` events."""
    texts: list[str] = []
    finish, usage = "", {"completion_tokens": 0}
    for line in lines:
        name, _, value = line.decode().partition(": ")
        if name != "data":
            continue
        if value == _END:
            yield "done", "", {"text": "".join(texts), "finish_reason": finish, "usage": usage}
            return
        chunk = json.loads(value)
        if error := chunk.get("error"):
            yield "error", "", error
            return
        usage = chunk.get("usage") or usage
        for choice in chunk["choices"]:
            finish = choice["finish_reason"] or finish
            if text := choice["delta"].get("content"):
                texts.append(text)
                yield "token", f"{len(texts)}-0", {"text": text}
