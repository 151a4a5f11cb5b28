"""The Redis side of one generation: its stream, its control hash, and the one way to append.

An entry is `{t: type, d: JSON}`. Types: `started {model, context_trimmed}`, `token {seq, text}`
(seq from 0 without gaps; its token ids stand beside it as `i`), and one end entry, `done {...}` or
`error {code, detail}`. The control hash holds `attempt` (whose entries are accepted; "ended" after
the end entry), `next` seq, `last` entry id, `cancelled`, and for guests `input`, their turns, which
no database ever sees.

A poke tells all web processes what was appended: one line an entry, `generation, id of the entry
before it, its own id, type, JSON`. A reader that has the entry before needs to read nothing.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Any

from redis.commands.core import Script
from redis.exceptions import ResponseError

from accounts.store import redis_client
from inference.public import Turn

logger = logging.getLogger(__name__)

STREAM_TTL_S = 3600
POKES = "eugpt:pokes"
START = "0-0"
END_TYPES = frozenset({"done", "error"})
_STREAM_PREFIX = "eugpt:gen:"
_READ_COUNT = 1000
_CURSOR = re.compile(r"([0-9]{1,20})-([0-9]{1,20})")
_ID_MAX = 2**64 - 1


class Append(IntEnum):
    """What Redis answered: the entries were refused, taken, or taken with a wish to stop."""

    REFUSED = 0
    OK = 1
    CANCELLED = 2


# One round trip decides, writes and pokes, for any number of generations: a worker that has lost
# its claim (the control hash names another attempt) cannot add a word, nothing follows an end
# entry, and a call that is sent again after a time-out (Redis may have taken the first one) adds
# no token twice. A stream lives from its start and from its end on; none takes an hour between.
_APPEND = """
local answers, lines = {}, {}
local function append(stream, control, attempt, kind, body, seq, ids)
  local held = redis.call('HMGET', control, 'attempt', 'next', 'last', 'cancelled')
  if held[1] ~= attempt then return 0 end
  local taken = held[4] and 2 or 1
  seq = tonumber(seq)
  if seq >= 0 and seq < tonumber(held[2] or '0') then return taken end
  local id
  if ids == '' then
    id = redis.call('XADD', stream, '*', 't', kind, 'd', body)
  else
    id = redis.call('XADD', stream, '*', 't', kind, 'd', body, 'i', ids)
  end
  if seq >= 0 then
    redis.call('HSET', control, 'next', seq + 1, 'last', id)
  else
    redis.call('HSET', control, 'last', id)
  end
  if kind == 'done' or kind == 'error' then
    redis.call('HSET', control, 'attempt', 'ended')
    redis.call('HDEL', control, 'input')
  end
  if kind ~= 'token' or not held[3] then
    redis.call('EXPIRE', stream, ARGV[1])
    redis.call('EXPIRE', control, ARGV[1])
  end
  local before = held[3] or (kind == 'started' and '0-0' or '-')
  local name = string.sub(stream, tonumber(ARGV[3]))
  lines[#lines + 1] = table.concat({name, before, id, kind, body}, ' ')
  return taken
end
for i = 0, #KEYS / 2 - 1 do
  local a = 3 + 5 * i
  local ok, answer = pcall(append, KEYS[2 * i + 1], KEYS[2 * i + 2], ARGV[a + 1], ARGV[a + 2],
    ARGV[a + 3], ARGV[a + 4], ARGV[a + 5])
  if not ok then
    redis.log(redis.LOG_WARNING, type(answer) == 'table' and answer.err or answer)
  end
  answers[#answers + 1] = ok and answer or 0
end
if #lines > 0 then redis.call('PUBLISH', ARGV[2], table.concat(lines, '\\n')) end
return answers
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One stream entry; `id` is Redis' own and is the cursor that readers hold.

    `body` is a JSON object as it is stored and sent: most entries are passed on unread.
    """

    id: str
    type: str
    body: str

    @classmethod
    def of(cls, entry_id: str, kind: str, data: dict[str, Any]) -> Entry:
        """An entry that stands in no stream."""
        return cls(entry_id, kind, encode(data))

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.body)
        return data

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
    model: str = ""  # which one began it


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What is to be appended for a generation. A token's `ids` never leave the server."""

    generation_id: str
    attempt: int
    type: str
    body: str
    seq: int = -1
    ids: Sequence[int] = ()


encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def stream_key(generation_id: str) -> str:
    return _STREAM_PREFIX + generation_id


def control_key(generation_id: str) -> str:
    return f"{_STREAM_PREFIX}{generation_id}:control"


def parse_entry(raw: tuple[str, dict[str, str]]) -> Entry:
    entry_id, fields = raw
    return Entry(entry_id, fields["t"], fields["d"])


def parse_poke(line: str) -> tuple[str, str, Entry]:
    """A line of a poke: whose entry it is, the cursor it follows, and the entry."""
    generation_id, before, entry_id, kind, body = line.split(" ", 4)
    return generation_id, before, Entry(entry_id, kind, body)


def cursor_order(cursor: str) -> tuple[int, int]:
    """A stream id as something that can be compared."""
    ms, _, number = cursor.partition("-")
    return int(ms), int(number)


def parse_cursor(value: str | None) -> str | None:
    """A stream id as Redis takes it, or None; it reads a batch for everybody, so check first."""
    match = _CURSOR.fullmatch(value or "")
    if match is None or int(match[1]) >= _ID_MAX or int(match[2]) >= _ID_MAX:
        return None
    return value


def append_all(entries: Sequence[NewEntry]) -> list[Append]:
    """Append entries of any generations and poke their readers, in one round trip.

    Raises what redis-py raises when Redis does not answer; the call may then be repeated.
    """
    keys: list[str] = []
    arguments: list[str | int] = [STREAM_TTL_S, POKES, len(_STREAM_PREFIX) + 1]
    for e in entries:
        keys += stream_key(e.generation_id), control_key(e.generation_id)
        arguments += e.attempt, e.type, e.body, e.seq, ",".join(map(str, e.ids))
    try:
        return [Append(answer) for answer in _script()(keys, arguments)]
    except ResponseError:
        logger.exception("Redis refused %d entries", len(entries))
        return [Append.REFUSED] * len(entries)


@cache
def _script() -> Script:
    return redis_client().register_script(_APPEND)


def append(generation_id: str, attempt: int, kind: str, data: dict[str, Any]) -> Append:
    """Append one entry and poke the readers; a token's data hold its `ids`."""
    rest = {name: value for name, value in data.items() if name != "ids"}
    seq, ids = data.get("seq", -1), data.get("ids", ())
    return append_all([NewEntry(generation_id, attempt, kind, encode(rest), seq, ids)])[0]


def take_over(generation_id: str, attempt: int) -> tuple[Written, list[Turn] | None]:
    """From now on only `attempt` may append; returns what is written and a guest's turns."""
    key = control_key(generation_id)
    pipe = redis_client().pipeline()
    pipe.hset(key, "attempt", str(attempt))
    pipe.expire(key, STREAM_TTL_S)
    pipe.hget(key, "input")
    pipe.xrange(stream_key(generation_id), count=_READ_COUNT)
    _, _, turns, raw = pipe.execute()
    written = _written(raw) if len(raw) < _READ_COUNT else read_written(generation_id)
    return written, _parse_turns(turns)


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
    return _parse_turns(raw)


def _parse_turns(raw: str | None) -> list[Turn] | None:
    return [Turn(role, content) for role, content in json.loads(raw)] if raw else None


def read_written(generation_id: str) -> Written:
    """Read a whole stream."""
    entries: list[tuple[str, dict[str, str]]] = []
    cursor = START
    while True:
        raw: Any = redis_client().xrange(
            stream_key(generation_id), min=f"({cursor}", count=_READ_COUNT
        )
        entries += raw
        if len(raw) < _READ_COUNT:
            return _written(entries)
        cursor = raw[-1][0]


def _written(raw: list[tuple[str, dict[str, str]]]) -> Written:
    ids: list[int] = []
    texts: list[str] = []
    model = ""
    for _, fields in raw:
        if fields["t"] == "token":
            ids += map(int, filter(None, fields.get("i", "").split(",")))
            texts.append(json.loads(fields["d"])["text"])
        elif fields["t"] == "started":
            model = json.loads(fields["d"])["model"]
    is_ended = any(fields["t"] in END_TYPES for _, fields in raw)
    return Written(ids, "".join(texts), len(texts), bool(raw), is_ended, model)
