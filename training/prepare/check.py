"""Small talk is not tokenized ahead, since its slots are filled at every draw: it is checked."""

from __future__ import annotations

import random
from pathlib import Path

from inference.chat_template import Turn, encode_conversation
from inference.tokenizer import Tokenizer
from training import smalltalk
from training.config import SourceConfig
from training.data_formats import Record, read_documents
from training.prepare.deduplicate import deduplicate
from training.prepare.report import SourceReport
from training.smalltalk import DataError


def check_smalltalk(source: SourceConfig, tokenizer: Tokenizer, report: SourceReport) -> None:
    """Count into `report` lines, repeated lines, and tokens of one filling; remove nothing.

    Raises `DataError` when a slot has no list of words.
    """
    folder = Path(source.path)
    reading = read_documents(folder, "smalltalk", source.files)
    slots = smalltalk.Slots.read(folder / "slots.json")
    everything = [_turns(record) for record in reading.records]
    train = [_turns(record) for record in reading.records if not record.extra["held_out"]]
    if unknown := sorted(_used_slots(everything) - set(slots.train)):
        raise DataError(f"{folder}: no list in slots.json for {', '.join(unknown)}")
    report.rows, report.broken = len(everything), reading.broken
    report.train, report.held_out = len(train), len(everything) - len(train)
    found = deduplicate(["\n".join(turn.content for turn in turns) for turns in everything])
    report.exact, report.near = found.exact, found.near
    rng = random.Random(1)
    filled = [smalltalk.fill_slots(turns, slots.train, rng) for turns in train]
    report.tokens = sum(len(encode_conversation(tokenizer, turns)[0]) for turns in filled)
    report.words = sum(len(turn.content.split()) for turns in filled for turn in turns)


def _turns(record: Record) -> list[Turn]:
    assert not isinstance(record.content, str)
    return record.content


def _used_slots(conversations: list[list[Turn]]) -> set[str]:
    return {
        match.group(1)
        for turns in conversations
        for turn in turns
        for match in smalltalk.SLOT.finditer(turn.content)
    }
