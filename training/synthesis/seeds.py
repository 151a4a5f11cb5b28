"""What conversations start from: our own first user turns, freshly filled, and public phrasings.

The hand-made drills are not used: their answers are known, and a teacher can only spoil them.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.chat_template import Turn
from training import corpus, smalltalk
from training.smalltalk import DataError
from training.synthesis.filters import turn_fault

OWN, PUBLIC = "own", "public"
_OWN_SHARE = 0.5  # where there are public phrasings
_MIN_SIMPLE = 0.9  # share of common words, as the corpus files tell it


@dataclass(frozen=True, slots=True)
class Seed:
    """A first user turn; `source` is the hand-written conversation it begins, so filled."""

    kind: str
    text: str
    source: tuple[Turn, ...] = ()


class Seeds:
    """Draws are pure functions of the seed and a conversation's number."""

    def __init__(self, data: Path, prompts: Sequence[Path], seed: int) -> None:
        """Raise `DataError` for a file that is missing or gives no first turn."""
        self.seed = seed
        self._slots = smalltalk.Slots.read(data / "slots.json")
        self.talk = smalltalk.read_folder(data)[0]
        self.public = sorted({text for path in prompts for text in read_phrasings(path)})
        first = [turns for turns in self.talk if is_usable(_without_slots(turns[0].content))]
        if not first:
            raise DataError(f"{data} has no usable first turn")
        self._own = first

    def rng(self, number: int, purpose: str) -> random.Random:
        return random.Random(f"{self.seed}:{purpose}:{number}")

    def draw(self, number: int) -> Seed:
        """Give the beginning of conversation `number`."""
        rng = self.rng(number, "seed")
        if self.public and rng.random() >= _OWN_SHARE:
            turns = [Turn("user", rng.choice(self.public))]
            return Seed(PUBLIC, smalltalk.roughen(turns, rng)[0].content)
        source = self.fill(rng.choice(self._own), rng)
        return Seed(OWN, smalltalk.roughen(source[:1], rng)[0].content, tuple(source))

    def fill(self, turns: Iterable[Turn], rng: random.Random) -> list[Turn]:
        return smalltalk.fill_slots(turns, self._slots.train, rng)


def read_phrasings(path: Path) -> list[str]:
    """Give the usable first user turns of one corpus file, of `turns` or of `text`."""
    found = [text for row in corpus.read_rows(path) if (text := _first(row)) and is_usable(text)]
    if not found:
        raise DataError(f"{path} has no usable first turn")
    return found


def _first(row: dict[str, Any]) -> str:
    if row.get("simple", 1.0) < _MIN_SIMPLE or row.get("start", 0):
        return ""  # rare words, or cut out of the middle of a conversation
    if "turns" not in row:
        return " ".join(row["text"].split())
    turns = corpus.row_turns(row)
    is_users = bool(turns) and turns[0].role == "user"
    return " ".join(turns[0].content.split()) if is_users else ""


def is_usable(text: str) -> bool:
    return turn_fault([Turn("user", text)]) is None


def _without_slots(text: str) -> str:
    return smalltalk.SLOT.sub("word", text)
