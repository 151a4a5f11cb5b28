"""A sample of all sources as plain strings, for making a tokenizer."""

from __future__ import annotations

import random
from pathlib import Path

from training import corpus, smalltalk
from training.config import RunConfig, SourceConfig

_SMALLTALK_FILLINGS = 6
_MAX_WORDS = 900_000  # of one public source, so that no source's style takes the vocabulary over


def sample_texts(config: RunConfig) -> list[str]:
    texts: list[str] = []
    for source in config.sources:
        if source.kind == "drill":  # made of the small talk's words
            continue
        texts += _smalltalk(source) if source.kind == "smalltalk" else _public(source)
    return texts


def _smalltalk(source: SourceConfig) -> list[str]:
    folder, rng = Path(source.path), random.Random(0)
    slots = smalltalk.Slots.read(folder / "slots.json")
    conversations = smalltalk.read_folder(folder)[0]
    return [
        turn.content
        for _ in range(_SMALLTALK_FILLINGS)
        for turns in conversations
        for turn in smalltalk.roughen(smalltalk.fill_slots(turns, slots.train, rng), rng)
    ]


def _public(source: SourceConfig) -> list[str]:
    texts: list[str] = []
    words = 0
    for row in corpus.read_rows(Path(source.path)):
        part = [t.content for t in corpus.row_turns(row)] if "turns" in row else [row["text"]]
        words += sum(len(text.split()) for text in part)
        if words > _MAX_WORDS:
            break
        texts += part
    return texts
