"""Batches the model never trains on: the same ones at every evaluation of every run."""

from __future__ import annotations

import random
from pathlib import Path

from inference.chat_template import encode_conversation
from inference.tokenizer import Tokenizer
from training import smalltalk
from training.config import RunConfig
from training.rows import Batch, Document, pack

_ROWS = 16


def held_out_batches(
    config: RunConfig, tokenizer: Tokenizer, length: int
) -> dict[str, list[Batch]]:
    """Held-out small talk, its slots filled with held-out words; loss on assistant tokens."""
    source = next((s for s in config.sources if s.kind == "smalltalk"), None)
    if source is None:
        raise smalltalk.DataError(
            "a run needs a small-talk source: its held-out lines are the measure"
        )
    folder = Path(source.path)
    slots = smalltalk.Slots.read(folder / "slots.json")
    rng = random.Random(7)
    documents = []
    for turns in smalltalk.read_folder(folder)[1]:
        ids, mask = encode_conversation(tokenizer, smalltalk.fill_slots(turns, slots.held_out, rng))
        documents.append(Document(ids[:length], mask[:length]))
    return {"smalltalk": _pack_all(documents, length)}


def _pack_all(documents: list[Document], length: int) -> list[Batch]:
    """First fit into rows, rows into batches."""
    if not documents:
        raise smalltalk.DataError(
            "no line of the small talk is held out: there is too little of it"
        )
    rows: list[list[Document]] = []
    room: list[int] = []
    for document in documents:
        n = len(document.ids)
        i = next((i for i, free in enumerate(room) if free >= n), len(rows))
        if i == len(rows):
            rows.append([])
            room.append(length)
        rows[i].append(document)
        room[i] -= n
    batches = [rows[i : i + _ROWS] for i in range(0, len(rows), _ROWS)]
    batches[-1] += [[] for _ in range(_ROWS - len(batches[-1]))]
    return [pack(batch, length, is_assistant_only=True) for batch in batches]
