"""The Redis side of one generation: its stream, its control hash, and the one way to append.

An entry is `{t: type, d: JSON}`. Types: `started {model, context_trimmed}`, `token {seq, text,
ids}` (seq from 0 without gaps), and one end entry, `done {...}` or `error {code, detail}`.
The control hash holds `attempt` (whose entries are accepted; "ended" after the end entry),
`cancelled`, and for guests `input`, their turns, which no database ever sees.
"""

from __future__ import annotations

import json
import re
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
_CURSOR = re.compile(r"([0-9]{1,20})-([0-9]{1,20})")
_ID_MAX = 2**64 - 1


class Append(IntEnum):
    """What Redis answered: the entries were refused, taken, or taken with a wish to stop."""

    REFUSED = 0
    OK = 1
    CANCELLED = 2


# One round trip decides and writes: a worker that has lost its claim (the control hash names
# another attempt) cannot add a word, nothing follows an end entry, and a pipeline that is sent
# again after a time-out (Redis may have taken the first one) adds no token twice.
_APPEND = """
if redis.call('HGET', KEYS[2], 'attempt') ~= ARGV[1] then return 0 end
local seq = tonumber(ARGV[5])
local next = tonumber(redis.call('HGET', KEYS[2], 'next') or '0')
if seq < 0 or seq >= next then
  redis.call('XADD', KEYS[1], '*', 't', ARGV[3], 'd', ARGV[4])
  if seq >= 0 then redis.call('HSET', KEYS[2], 'next', seq + 1) end
end
if ARGV[3] == 'done' or ARGV[3] == 'error' then
  redis.call('HSET', KEYS[2], 'attempt', 'ended')
  redis.call('HDEL', KEYS[2], 'input')
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


def parse_cursor(value: str | None) -> str | None:
    """A stream id as Redis takes it, or None; it reads a batch for everybody, so check first."""
    match = _CURSOR.fullmatch(value or "")
    if match is None or int(match[1]) >= _ID_MAX or int(match[2]) >= _ID_MAX:
        return None
    return value


def queue_append(
    pipe: Pipeline, generation_id: str, attempt: int, kind: str, data: dict[str, Any]
) -> None:
    """Add the append of one entry to a pipeline; its answer is an `Append`."""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    keys = stream_key(generation_id), control_key(generation_id)
    pipe.eval(_APPEND, 2, *keys, str(attempt), str(STREAM_TTL_S), kind, body, data.get("seq", -1))


def append(generation_id: str, attempt: int, kind: str, data: dict[str, Any]) -> Append:
    """Append one entry and poke the readers."""
    pipe = redis_client().pipeline(transaction=False)
    queue_append(pipe, generation_id, attempt, kind, data)
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
