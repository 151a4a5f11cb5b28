"""The hand-written small talk: reading the TinyChat text form and filling its slots.

A line is one conversation, `[INST] user [/INST] assistant [INST] …`; `{name}` stands for any
word of the list `name`, the same word all through the conversation, and `{name2}` for another.
"""

from __future__ import annotations

import json
import random
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from inference.chat_template import Turn

SLOT = re.compile(r"\{([a-z_]+?)(\d?)\}")
_HELD_OUT_SHARE = 20  # one in twenty lines, and one in twelve words of every list
_HELD_OUT_WORDS = 12


class DataError(ValueError):
    """A data file that is missing, empty or not in its form."""


@dataclass(frozen=True, slots=True)
class Slots:
    """The words a slot may take, apart for training and for evaluation."""

    train: dict[str, list[str]]
    held_out: dict[str, list[str]]

    @classmethod
    def read(cls, path: Path) -> Slots:
        lists: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))
        held_out = {
            name: [w for w in words if _bucket(w, _HELD_OUT_WORDS) == 0] or words[-2:]
            for name, words in lists.items()
        }
        train = {
            name: [w for w in words if w not in held_out[name]] if len(words) > 12 else words
            for name, words in lists.items()
        }
        return cls(train, held_out)


def _bucket(text: str, n: int) -> int:
    """A stable hash: the same line is held out on every machine and in every run."""
    return zlib.crc32(text.encode()) % n


def is_held_out(line: str) -> bool:
    return _bucket(line, _HELD_OUT_SHARE) == 0


def parse_line(line: str) -> list[Turn] | None:
    """Give the turns of one line, or None when it is not in the form."""
    turns: list[Turn] = []
    head, *exchanges = line.split("[INST]")
    if head.strip() or not exchanges:
        return None
    for exchange in exchanges:
        user, mark, assistant = exchange.partition("[/INST]")
        user, assistant = user.strip(), assistant.strip()
        if not (mark and user and assistant) or "[/INST]" in assistant:
            return None
        turns += [Turn("user", user), Turn("assistant", assistant)]
    return turns


def read_folder(
    folder: Path, files: str = "*.txt"
) -> tuple[list[list[Turn]], list[list[Turn]], int]:
    """Read the files: (training conversations, held-out ones, number of broken lines)."""
    train: list[list[Turn]] = []
    held_out: list[list[Turn]] = []
    broken = 0
    for path in sorted(folder.glob(files)):
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line.strip():
                continue
            turns = parse_line(line)
            if turns is None:
                broken += 1
            else:
                (held_out if is_held_out(line) else train).append(turns)
    if not train:
        raise DataError(f"no conversation in {folder}")
    return train, held_out, broken


def fill_slots(
    turns: Iterable[Turn], words: dict[str, list[str]], rng: random.Random
) -> list[Turn]:
    """Put a word into every slot; different numbers of one list get different words."""
    chosen: dict[str, str] = {}

    def word_for(match: re.Match[str]) -> str:
        key, name = match.group(0), match.group(1)
        if key not in chosen:
            taken = {w for k, w in chosen.items() if SLOT.fullmatch(k).group(1) == name}  # type: ignore[union-attr]
            free = [w for w in words[name] if w not in taken]
            chosen[key] = rng.choice(free or words[name])
        return chosen[key]

    filled = []
    for role, content in turns:
        text = SLOT.sub(word_for, content)
        if SLOT.match(content) and role == "assistant":
            text = text[0].upper() + text[1:]
        text = (
            re.sub(r"([.!?] )([a-z])", lambda m: m.group(1) + m.group(2).upper(), text)
            if role == "assistant"
            else text
        )
        filled.append(Turn(role, text))
    return filled


def roughen(turns: list[Turn], rng: random.Random, typos: float = 0.05) -> list[Turn]:
    """Make user turns look typed in a hurry: lower case, missing marks, a swapped letter."""
    rough = []
    for role, content in turns:
        text = content
        if role == "user":
            if rng.random() < 0.25:
                text = text.lower()
            if rng.random() < 0.2:
                text = text.rstrip(".!?") or text
            if rng.random() < typos:
                text = _swap_letters(text, rng)
        rough.append(Turn(role, text))
    return rough


def _swap_letters(text: str, rng: random.Random) -> str:
    """Swap two neighbours inside a word: the commonest typo."""
    spots = [i for i in range(1, len(text) - 2) if text[i : i + 2].isalpha()]
    if not spots:
        return text
    i = rng.choice(spots)
    return text[:i] + text[i + 1] + text[i] + text[i + 2 :]
