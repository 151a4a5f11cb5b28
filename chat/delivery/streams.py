"""The Redis side of one generation: its stream, its control hash, and the one way to append.

An entry is `{t: type, d: JSON}`. Types: `started {model, context_trimmed, seed, request_id}`,
`token {seq, text}` (seq from 0 without gaps; its token ids stand beside it as `i`, the hash of the
checkpoint beside `started`), and one end entry, `done {...}` or `error {code, detail}`. A second
`started` means that the text begins again from seq 0. The control hash holds `attempt` (whose
entries are accepted; "ended" after the end entry), `count` of entries, `last` entry id, `run` of
the server that has all of them, `cancelled`, and for guests `input`, their turns, which no database
ever sees.

A poke tells all web processes what was appended: one line an entry, `generation, id of the entry
before it, its own id, type, JSON`. A reader that has the entry before needs to read nothing.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from redis.commands.core import Script
from redis.exceptions import ReadOnlyError, ResponseError

from accounts.store import redis_client
from inference.public import Turn

logger = logging.getLogger(__name__)

STREAM_TTL_S = 3600
POKES = "eugpt:pokes"
STOPS = "eugpt:stops"
START = "0-0"
ANY_NUMBER = -1
END_TYPES = frozenset({"done", "error"})
_STREAM_PREFIX = "eugpt:gen:"
_READ_COUNT = 1000
_CURSOR = re.compile(r"([0-9]{1,20})-([0-9]{1,20})")
_ID_MAX = 2**64 - 1
# A replica that was the master, a full disk, a full memory: Redis will take entries again.
_PASSING = ("READONLY", "MISCONF", "OOM")
_SCRIPTS = Path(__file__).parent / "lua"


class Append(IntEnum):
    """What Redis answered; CANCELLED is taken, LOST is not, as what stood before is lost."""

    REFUSED = 0
    OK = 1
    CANCELLED = 2
    LOST = 3


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


class NewEntry(NamedTuple):
    """An entry as it stands in a stream. What stands beside it in `ids` never leaves the server:
    a token's ids with commas, or the hash of the checkpoint that has `started`.
    """

    id: str
    type: str
    body: str
    ids: str = ""


class Addition(NamedTuple):
    """An entry that is to be appended for an attempt; `number` is its place in the stream."""

    generation_id: str
    attempt: int
    entry: NewEntry
    number: int = ANY_NUMBER


@dataclass(frozen=True, slots=True)
class Written:
    """What is in a stream already: enough to continue it, or to put it back."""

    entries: list[NewEntry]
    token_ids: list[int]
    text: str
    next_seq: int
    is_started: bool
    model: str = ""  # which one began it
    sha256: str = ""  # of its checkpoint
    input: str = ""  # a guest's turns, as Redis keeps them
    logprobs: list[dict[str, Any]] = field(default_factory=list)
    last: str = ""  # the id that new entries must be above

    @property
    def turns(self) -> list[Turn] | None:
        """A guest's turns."""
        if not self.input:
            return None
        return [Turn(role, content) for role, content in json.loads(self.input)]


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


def append_all(additions: Sequence[Addition]) -> list[Append]:
    """Append entries of any generations and poke their readers, in one round trip.

    Raises what redis-py raises when Redis does not answer; the call may then be repeated.
    """
    keys: list[str] = []
    arguments: list[str | int] = [STREAM_TTL_S, POKES, len(_STREAM_PREFIX) + 1]
    for generation_id, attempt, (entry_id, kind, body, ids), number in additions:
        keys += stream_key(generation_id), control_key(generation_id)
        arguments += attempt, entry_id, kind, body, number, ids
    try:
        return [Append(answer) for answer in _script("append")(keys, arguments)]
    except ResponseError as error:
        if isinstance(error, ReadOnlyError) or str(error).startswith(_PASSING):
            raise
        logger.exception("Redis refused %d entries", len(additions))
        return [Append.REFUSED] * len(additions)


@cache
def _script(name: str) -> Script:
    return redis_client().register_script((_SCRIPTS / f"{name}.lua").read_text())


def append(generation_id: str, attempt: int, kind: str, data: dict[str, Any]) -> Append:
    """Append one entry to what stands there and poke the readers; a token's data hold its `ids`."""
    rest = {name: value for name, value in data.items() if name != "ids"}
    ids = ",".join(map(str, data.get("ids", ())))
    return append_all([Addition(generation_id, attempt, NewEntry("*", kind, encode(rest), ids))])[0]


def take_over(generation_id: str, attempt: int) -> Written | None:
    """From now on only `attempt` may append; None when a later one may, or it has ended.

    Where Redis may have lost the end of the stream, nothing counts as written: the text begins
    anew with another `started`, behind the entries that are left.
    """
    keys = [stream_key(generation_id), control_key(generation_id)]
    answer: Any = _script("take_over")(keys, [attempt, STREAM_TTL_S])
    if answer is None:
        return None
    turns, is_whole, raw, last = answer
    pairs = [(entry_id, dict(zip(f[::2], f[1::2], strict=True))) for entry_id, f in raw]
    written = _written(pairs, turns)
    if not is_whole:
        written = Written(written.entries, [], "", 0, False, input=turns)
    return replace(written, last=last)


def drop_words(generation_id: str, attempt: int) -> bool:
    """Forget what stands in a stream, for something else; False when `attempt` does not hold it."""
    keys = [stream_key(generation_id), control_key(generation_id)]
    return bool(_script("drop")(keys, [attempt]))


def restore(generation_id: str, attempt: int, entries: Sequence[NewEntry], turns: str) -> bool:
    """Put back what Redis has lost; False when a later attempt holds the stream."""
    keys = [stream_key(generation_id), control_key(generation_id)]
    arguments: list[str | int] = [attempt, STREAM_TTL_S, turns]
    for entry in entries:
        arguments += entry
    return bool(_script("restore")(keys, arguments))


def end_unclaimed(generation_id: str, kind: str, data: dict[str, Any]) -> None:
    """Write the end entry of a generation that no worker holds."""
    take_over(generation_id, 0)
    append(generation_id, 0, kind, data)


def end_anew(generation_id: str, started: dict[str, Any], done: dict[str, Any]) -> None:
    """Tell another text than what stands there, of a generation that no worker holds."""
    take_over(generation_id, 0)
    drop_words(generation_id, 0)
    append(generation_id, 0, "started", started)
    append(generation_id, 0, "done", done)


def ask_cancel(generation_id: str) -> None:
    """Raise the flag that the worker sees with its next append, and tell the workers of it."""
    key = control_key(generation_id)
    pipe = redis_client().pipeline()
    pipe.hset(key, "cancelled", "1")
    pipe.expire(key, STREAM_TTL_S)
    pipe.publish(STOPS, generation_id)
    pipe.execute()


def keep_input(generation_id: str, turns: list[Turn]) -> None:
    """Keep a guest's turns until the answer is written."""
    key = control_key(generation_id)
    pipe = redis_client().pipeline()
    pipe.hset(key, "input", json.dumps(turns))
    pipe.expire(key, STREAM_TTL_S)
    pipe.execute()


def forget(generation_ids: Sequence[str]) -> None:
    """Delete streams with all that stands beside them."""
    for start in range(0, len(generation_ids), _READ_COUNT):
        some = generation_ids[start : start + _READ_COUNT]
        keys = [key for name in some for key in (stream_key(name), control_key(name))]
        redis_client().unlink(*keys)


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


def _written(raw: list[tuple[str, dict[str, str]]], turns: str = "") -> Written:
    """What counts is what stands behind the last `started`."""
    entries = [NewEntry(i, f["t"], f["d"], f.get("i", "")) for i, f in raw]
    ids: list[int] = []
    texts: list[str] = []
    logprobs: list[dict[str, Any]] = []
    model = sha256 = ""
    for entry in entries:
        if entry.type == "token":
            ids += map(int, filter(None, entry.ids.split(",")))
            data = json.loads(entry.body)
            texts.append(data["text"])
            logprobs += data.get("logprobs", ())
        elif entry.type == "started":
            model, sha256 = json.loads(entry.body)["model"], entry.ids
            ids, texts, logprobs = [], [], []
    text = "".join(texts)
    return Written(entries, ids, text, len(texts), bool(entries), model, sha256, turns, logprobs)
