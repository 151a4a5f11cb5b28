"""The documents of one source as its config wants them: filtered, cleaned, told apart by a key.

Follows what `training.batches.Source` makes of each kind of source. Knows no tokens.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from inference.chat_template import Turn
from training import corpus
from training.config import SourceConfig
from training.data_formats import Record
from training.prepare.clean import clean_text, clean_turns, split_text

HELD_OUT_SHARE = 200  # one document in as many is held out …
HELD_OUT_MOST = 200  # … but no more than this of a source
_SEED = 1


@dataclass(frozen=True, slots=True)
class Unit:
    """One document; `key` is its wording, the same for a text in every kind of source."""

    content: list[Turn] | str
    key: str


@dataclass(slots=True)
class Filtered:
    """How many records did not become units: left out by the settings, or nothing clean left."""

    unwanted: int = 0
    unclean: int = 0


def read_units(source: SourceConfig, records: Iterable[Record], filtered: Filtered) -> list[Unit]:
    rng = random.Random(_SEED)
    units: list[Unit] = []
    for record in records:
        if not is_wanted(source, record):
            filtered.unwanted += 1
            continue
        content = _clean(record.content)
        if not content:
            filtered.unclean += 1
            continue
        key = _key(content)
        if source.kind == "stories":
            content = corpus.as_story_request(str(content), rng) or ""
        if content:
            units.append(Unit(content, key))
        else:
            filtered.unwanted += 1
    return units


def is_wanted(source: SourceConfig, record: Record) -> bool:
    """Is the record of the source's kind, and not left out by its settings?"""
    extra = record.extra
    return (
        isinstance(record.content, list) == (source.kind == "turns")
        and extra.get("simple", 1.0) >= source.min_simple
        and not (source.openings_only and extra.get("start", 0))
        and not (source.skip_persona and extra.get("persona") == source.skip_persona)
    )


def _clean(content: list[Turn] | str) -> list[Turn] | str:
    return clean_text(content) if isinstance(content, str) else clean_turns(content)


def _key(content: list[Turn] | str) -> str:
    parts = [content] if isinstance(content, str) else [turn.content for turn in content]
    return "\n".join(" ".join(part.split()) for part in parts)


def split_units(units: Iterable[Unit]) -> dict[str, list[Unit]]:
    """Hold out by a stable hash of the wording: the same text is held out of every source."""
    splits: dict[str, list[Unit]] = {"train": [], "held_out": []}
    for unit in units:
        is_held_out = (
            zlib.crc32(unit.key.encode()) % HELD_OUT_SHARE == 0
            and len(splits["held_out"]) < HELD_OUT_MOST
        )
        splits["held_out" if is_held_out else "train"].append(unit)
    return splits


def documents(kind: str, units: list[Unit]) -> Iterator[list[Turn] | str]:
    """Give what is tokenized: unconnected sentences joined, long texts in parts."""
    if kind == "sentences":
        yield from _joined([str(unit.content) for unit in units])
        return
    for unit in units:
        if isinstance(unit.content, str):
            yield from split_text(unit.content)
        else:
            yield unit.content


def _joined(sentences: list[str]) -> Iterator[str]:
    """Five to ten sentences to a text, in shuffled order, as `corpus.join_sentences` does."""
    rng = random.Random(_SEED)
    order = rng.sample(sentences, k=len(sentences))
    at = 0
    while at < len(order):
        n = rng.randint(5, 10)
        yield " ".join(order[at : at + n])
        at += n
