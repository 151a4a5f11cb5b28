"""The public corpus: `NAME.jsonl.xz` with rows of `turns` or of `text`, licences in SOURCES.md."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inference.chat_template import Turn
from training.data_formats import read_documents

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
    """Give the rows of a source in any known form, as `turns` (of `Turn`) or as `text`.

    Broken lines are counted on stderr; a missing, unreadable or empty source is a `DataError`.
    """
    reading = read_documents(path)
    if reading.broken:
        print(f"{path}: {reading.broken} broken lines left out", file=sys.stderr)
    for record in reading.records:
        key = "text" if isinstance(record.content, str) else "turns"
        yield {**record.extra, key: record.content}


def row_turns(row: dict[str, Any]) -> list[Turn]:
    turns: list[Turn] = row["turns"]
    return turns


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
