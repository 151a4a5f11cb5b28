"""The file of kept conversations: appended part by part, so that a killed run goes on.

Every part is one xz stream. `NAME.report.json` is replaced after each; it says how many bytes of
the file it counts, and what is beyond them (a part cut short by a kill) is cut off at the next
start. Both together are what an uninterrupted run would have written up to then.
"""

from __future__ import annotations

import json
import lzma
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from inference.chat_template import Turn
from training import corpus
from training.smalltalk import DataError
from training.synthesis.near import NearIndex, is_near
from training.synthesis.seeds import Seeds
from training.synthesis.writer import Written

_TAIL = 0.1
_BIN = 100  # bins of the scores to 1 nat
_SUFFIX = ".jsonl.xz"


@dataclass(slots=True)
class Counts:
    """All that is reported; a run goes on from these."""

    about: dict[str, Any]  # must be the same when a run goes on
    finished: int = 0
    kept: int = 0
    kept_tokens: int = 0
    sampled_tokens: int = 0
    seconds: float = 0.0
    dropped: Counter[str] = field(default_factory=Counter)  # conversations, by reason
    cut: Counter[str] = field(default_factory=Counter)  # kept up to a bad exchange, by reason
    seeds: Counter[str] = field(default_factory=Counter)  # kept, by kind
    exchanges: Counter[str] = field(default_factory=Counter)  # kept, by their number
    scores: Counter[str] = field(default_factory=Counter)  # of all that passed, in 1/100 nat
    next_number: int = 0
    open_numbers: list[int] = field(default_factory=list)  # begun, not counted yet
    bytes: int = 0

    @classmethod
    def read(cls, path: Path, about: dict[str, Any]) -> Counts:
        """Read an earlier run's; raises `DataError` if it was another kind of run."""
        if not path.is_file():
            return cls(about)
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            values.pop("tokens_per_s")
            for name in ("dropped", "cut", "seeds", "exchanges", "scores"):
                values[name] = Counter(values[name])
            counts = cls(**values)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path} is not a report of synthesize: {error}") from error
        if counts.about != about:
            raise DataError(f"{path} was begun with other settings: {counts.about}")
        return counts

    def write(self, path: Path) -> None:
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        values["tokens_per_s"] = round(self.sampled_tokens / max(self.seconds, 1.0), 1)
        aside = path.with_name(path.name + ".part")
        aside.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
        aside.replace(path)

    def tail(self) -> float:
        """The score below which a tenth of all that passed so far lies."""
        left = _TAIL * sum(self.scores.values())
        for key in sorted(self.scores, key=int):
            left -= self.scores[key]
            if left < 0:
                return int(key) / _BIN
        return float("-inf")


class Output:
    """Takes what is finished, holds it back for a part, and keeps what is new and likely."""

    def __init__(self, path: Path, seeds: Seeds, about: dict[str, Any]) -> None:
        if not path.name.endswith(_SUFFIX):
            raise DataError(f"{path} must end in {_SUFFIX}")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.report = path.with_name(path.name.removesuffix(_SUFFIX) + ".report.json")
        self.counts = Counts.read(self.report, about)
        self.buffer: list[Written] = []
        self._trained, self._written = NearIndex(), NearIndex()
        self._cut_off()
        for text in _beginnings(seeds):
            self._trained.add(text)
        if self.counts.bytes:
            for row in corpus.read_rows(path):
                self._written.add(_text(corpus.row_turns(row)))

    def _cut_off(self) -> None:
        size = self.path.stat().st_size if self.path.is_file() else 0
        if size and not self.report.is_file():
            raise DataError(f"{self.path} is there, but not its report: take another name")
        if size < self.counts.bytes:
            raise DataError(f"{self.path} is shorter than its report says")
        if size:
            os.truncate(self.path, self.counts.bytes)
        self.counts.write(self.report)  # so that a kill within the first part is told from this

    def add(self, written: Written) -> None:
        counts = self.counts
        counts.finished += 1
        if not written.turns:
            counts.dropped[written.fault or "empty"] += 1
            return
        if written.fault:
            counts.cut[written.fault] += 1
        counts.scores[str(int(written.score * _BIN // 1))] += 1
        self.buffer.append(written)

    def flush(self, limit: int) -> None:
        """Write the part held back, up to `limit` conversations in all, and the report."""
        tail = self.counts.tail()
        kept = [w for w in self.buffer if self._is_kept(w, tail, limit)]
        self.buffer = []
        if kept:
            lines = (json.dumps(_row(written)) + "\n" for written in kept)
            with self.path.open("ab") as out:
                out.write(lzma.compress("".join(lines).encode()))
                out.flush()
                os.fsync(out.fileno())
            self.counts.bytes = self.path.stat().st_size
        self.counts.write(self.report)

    def _is_kept(self, written: Written, tail: float, limit: int) -> bool:
        text = _text(written.turns)
        counts = self.counts
        if counts.kept >= limit:
            reason = "beyond the count"
        elif written.score < tail:
            reason = "unlikely"
        elif self._trained.has_near(text) or _is_recited(written):
            reason = "near the training set"
        elif self._written.has_near(text):
            reason = "near earlier output"
        else:
            self._written.add(text)
            counts.kept += 1
            counts.kept_tokens += len(written.ids)
            counts.seeds[written.seed.kind] += 1
            counts.exchanges[str(len(written.turns) // 2)] += 1
            return True
        counts.dropped[reason] += 1
        return False


def _beginnings(seeds: Seeds) -> Iterable[str]:
    """Every training conversation, whole and up to each of its replies, filled once."""
    for number, turns in enumerate(seeds.talk):
        filled = seeds.fill(turns, seeds.rng(number, "near"))
        for end in range(2, len(filled) + 1, 2):
            yield _text(filled[:end])


def _is_recited(written: Written) -> bool:
    """Whether the teacher wrote the seed's own conversation down, with the seed's words in it."""
    source = written.seed.source[: len(written.turns)]
    return bool(source) and is_near(_text(written.turns[: len(source)]), _text(source))


def _text(turns: Sequence[Turn]) -> str:
    return "\n".join(turn.content for turn in turns)


def _row(written: Written) -> dict[str, Any]:
    turns = [{"role": turn.role, "content": turn.content} for turn in written.turns]
    return {"turns": turns, "score": round(written.score, 3)}
