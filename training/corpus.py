"""The public corpus: `NAME.jsonl.xz` with rows of `turns` or of `text`, licences in SOURCES.md."""

from __future__ import annotations

import json
import lzma
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inference.chat_template import Turn
from training.smalltalk import DataError

# fmt: off
_HEROES = {
    "dog", "cat", "bird", "rabbit", "bear", "fish", "frog", "mouse", "lion", "duck", "horse",
    "bunny", "puppy", "kitten", "elephant", "monkey", "owl", "pig", "cow", "fox", "turtle", "bee",
    "butterfly", "squirrel", "dragon", "princess", "boy", "girl", "tree", "boat", "car", "train",
}
# fmt: on
_STORY_ASKS = (
    "tell me a story about a {}",
    "Tell me a story about a {}.",
    "Can you tell me a story about a {}?",
    "a story about a {} please",
    "I would like to hear a story about a {}.",
)


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Give the rows of one file; a broken line is skipped, a missing file is a `DataError`."""
    if not path.is_file():
        raise DataError(f"no such corpus file: {path}")
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue
            if "turns" in row or row.get("text"):
                yield row


def row_turns(row: dict[str, Any]) -> list[Turn]:
    return [Turn(turn["role"], turn["content"]) for turn in row["turns"]]


def join_sentences(rows: list[dict[str, Any]], rng: random.Random) -> str:
    """One text out of several unconnected sentences: a row of one sentence teaches little."""
    return " ".join(row["text"] for row in rng.sample(rows, k=min(len(rows), rng.randint(5, 10))))


def as_story_request(text: str, rng: random.Random) -> list[Turn] | None:
    """Turn a short story into an exchange that asks for it, when its hero is in the first line."""
    if len(text.split()) > 140:
        return None
    first = re.split(r"(?<=[.!?]) ", text, maxsplit=1)[0].lower()
    heroes = [word for word in re.findall(r"[a-z]+", first) if word in _HEROES]
    if not heroes:
        return None
    ask = rng.choice(_STORY_ASKS).format(heroes[0])
    ask = re.sub(r"\ba (?=[aeiou])", "an ", ask)
    return [Turn("user", ask), Turn("assistant", " ".join(text.split()))]
