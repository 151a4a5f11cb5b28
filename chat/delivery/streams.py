"""The Redis side of one generation: its stream, its control hash, and the one way to append.

An entry is `{t: type, d: JSON}`. Types: `started {model, context_trimmed}`, `token {seq, text,
ids}` (seq from 0 without gaps), and one end entry, `done {...}` or `error {code, detail}`.
The control hash holds `attempt` (whose entries are accepted; "ended" after the end entry),
`cancelled`, and for guests `input`, their turns, which no database ever sees.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from redis.client import Pipeline

from accounts.store import redis_client
from inference.public import Turn

STREAM_TTL_S = 3600
POKES = "eugpt:pokes"
START = "0-0"
END_TYPES = frozenset({"done", "error"})
_READ_COUNT = 1000


class Append(IntEnum):
    """What Redis answered: the entries were refused, taken, or taken with a wish to stop."""

    REFUSED = 0
    OK = 1
    CANCELLED = 2


# One round trip decides and writes: a worker that has lost its claim (the control hash names
# another attempt) cannot add a word, and nothing follows an end entry.
_APPEND = """
if redis.call('HGET', KEYS[2], 'attempt') ~= ARGV[1] then return 0 end
for i = 3, #ARGV, 2 do
  redis.call('XADD', KEYS[1], '*', 't', ARGV[i], 'd', ARGV[i + 1])
  if ARGV[i] == 'done' or ARGV[i] == 'error' then
    redis.call('HSET', KEYS[2], 'attempt', 'ended')
    redis.call('HDEL', KEYS[2], 'input')
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[2])
if redis.call('HEXISTS', KEYS[2], 'cancelled') == 1 then return 2 end
return 1
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One stream entry; `id` is Redis' own and is the cursor that readers hold."""

    id: str
    type: str
    data: dict[str, Any]

    @property
    def is_end(self) -> bool:
        return self.type in END_TYPES


@dataclass(frozen=True, slots=True)
class Written:
    """What is in a stream already: enough to continue it."""

    token_ids: list[int]
    text: str
    next_seq: int
    is_started: bool
    is_ended: bool


def stream_key(generation_id: str) -> str:
    return f"eugpt:gen:{generation_id}"


def control_key(generation_id: str) -> str:
    return f"eugpt:gen:{generation_id}:control"


def parse_entry(raw: tuple[str, dict[str, str]]) -> Entry:
    entry_id, fields = raw
    return Entry(entry_id, fields["t"], json.loads(fields["d"]))


def queue_append(
    pipe: Pipeline, generation_id: str, attempt: int, entries: Iterable[tuple[str, dict[str, Any]]]
) -> None:
    """Add the append of one generation to a pipeline; its answer is an `Append`."""
    arguments: list[str] = [str(attempt), str(STREAM_TTL_S)]
    for kind, data in entries:
        arguments += [kind, json.dumps(data, ensure_ascii=False, separators=(",", ":"))]
    pipe.eval(_APPEND, 2, stream_key(generation_id), control_key(generation_id), *arguments)


def append(generation_id: str, attempt: int, kind: str, data: dict[str, Any]) -> Append:
    """Append one entry and poke the readers."""
    pipe = redis_client().pipeline(transaction=False)
    queue_append(pipe, generation_id, attempt, [(kind, data)])
    pipe.publish(POKES, generation_id)
    return Append(pipe.execute()[0])


def take_over(generation_id: str, attempt: int) -> None:
    """From now on only `attempt` may append."""
    key = control_key(generation_id)
    pipe = redis_client().pipeline()
    pipe.hset(key, "attempt", str(attempt))
    pipe.expire(key, STREAM_TTL_S)
    pipe.execute()


def end_unclaimed(generation_id: str, kind: str, data: dict[str, Any]) -> None:
    """Write the end entry of a generation that no worker holds."""
    take_over(generation_id, 0)
    append(generation_id, 0, kind, data)


def ask_cancel(generation_id: str) -> None:
    """Raise the flag that the worker sees with its next append."""
    key = control_key(generation_id)
    pipe = redis_client().pipeline()
    pipe.hset(key, "cancelled", "1")
    pipe.expire(key, STREAM_TTL_S)
    pipe.execute()


def keep_input(generation_id: str, turns: list[Turn]) -> None:
    """Keep a guest's turns until the answer is written."""
    key = control_key(generation_id)
    pipe = redis_client().pipeline()
    pipe.hset(key, "input", json.dumps(turns))
    pipe.expire(key, STREAM_TTL_S)
    pipe.execute()


def read_input(generation_id: str) -> list[Turn] | None:
    raw: Any = redis_client().hget(control_key(generation_id), "input")
    return [Turn(role, content) for role, content in json.loads(raw)] if raw else None


def forget(generation_id: str) -> None:
    redis_client().delete(stream_key(generation_id), control_key(generation_id))


def read_written(generation_id: str) -> Written:
    """Read a whole stream."""
    ids: list[int] = []
    texts: list[str] = []
    is_started = is_ended = False
    cursor = START
    while True:
        raw: Any = redis_client().xrange(
            stream_key(generation_id), min=f"({cursor}", count=_READ_COUNT
        )
        for entry in map(parse_entry, raw):
            is_started = True
            is_ended = is_ended or entry.is_end
            if entry.type == "token":
                ids += entry.data["ids"]
                texts.append(entry.data["text"])
            cursor = entry.id
        if len(raw) < _READ_COUNT:
            return Written(ids, "".join(texts), len(texts), is_started, is_ended)
