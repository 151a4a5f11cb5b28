"""Documents from weighted sources, packed into rows of the context length.

The order depends on the seed and the cursors alone, and the cursors are part of a run's
checkpoint: a resumed run sees exactly what an uninterrupted one would have seen.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inference.chat_template import Turn, encode_conversation
from inference.tokenizer import Tokenizer
from training import corpus, smalltalk
from training.config import SourceConfig
from training.echo import echo

IGNORE = -100
_ECHOES = 10_000  # of one epoch
_MISFITS = 12  # documents that may fail to fit before the rows are called full


@dataclass(frozen=True, slots=True)
class Document:
    ids: list[int]
    mask: list[bool]  # True where the loss may look


@dataclass(frozen=True, slots=True)
class Batch:
    """tokens, targets, documents: (B, T); the last numbers the documents of a row from 1."""

    tokens: Tensor
    targets: Tensor
    documents: Tensor

    def attention_mask(self) -> Tensor:
        """(B, 1, T, T): causal, and never from one document into another."""
        t = self.tokens.shape[1]
        same = self.documents[:, :, None] == self.documents[:, None, :]
        return (same & torch.ones(t, t, dtype=torch.bool).tril())[:, None]


class Source:
    """An endless, reshuffled stream of documents of one kind."""

    def __init__(self, config: SourceConfig, tokenizer: Tokenizer, seed: int) -> None:
        self.config = config
        self.tokenizer = tokenizer
        self.seed = seed
        self.epoch, self.index, self.tokens = 0, 0, 0
        self._items = self._read()
        self._order: list[int] = []
        if not self._items:
            raise smalltalk.DataError(f"source {config.name} is empty")

    def _read(self) -> list[Any]:
        path = Path(self.config.path)
        if self.config.kind in ("smalltalk", "echo"):
            self._slots = smalltalk.Slots.read(path / "slots.json")
            if self.config.kind == "echo":
                return list(range(_ECHOES))  # each is made when it is drawn
            return smalltalk.read_folder(path, self.config.files)[0]
        rows = [r for r in corpus.read_rows(path) if self._is_wanted(r)]
        if self.config.kind == "stories":
            rng = random.Random(self.seed)
            asked = (corpus.as_story_request(r["text"], rng) for r in rows)
            return [turns for turns in asked if turns]
        return rows

    def _is_wanted(self, row: dict[str, Any]) -> bool:
        return (
            row.get("simple", 1.0) >= self.config.min_simple
            and not (self.config.openings_only and row.get("start", 0))
            and not (self.config.skip_persona and row.get("persona") == self.config.skip_persona)
        )

    def draw(self) -> Document:
        if not self._order:
            self._order = list(range(len(self._items)))
            random.Random(f"{self.seed}:{self.config.name}:{self.epoch}").shuffle(self._order)
        rng = random.Random(f"{self.seed}:{self.config.name}:{self.epoch}:{self.index}")
        document = self._document(self._items[self._order[self.index]], rng)
        self.index += 1
        self.tokens += len(document.ids)
        if self.index == len(self._items):
            self.epoch, self.index, self._order = self.epoch + 1, 0, []
        return document

    def _document(self, item: Any, rng: random.Random) -> Document:
        kind = self.config.kind
        if kind == "smalltalk":
            turns = smalltalk.roughen(smalltalk.fill_slots(item, self._slots.train, rng), rng)
            return self._conversation(turns)
        if kind == "stories":
            return self._conversation(item)
        if kind == "echo":
            return self._conversation(echo(self._slots.train, rng))
        if kind == "turns":
            return self._conversation(corpus.row_turns(item))
        text = item["text"]
        if kind == "sentences":
            text = corpus.join_sentences(rng.sample(self._items, 10), rng)
        ids = [*self.tokenizer.encode(text), self.tokenizer.end_id]
        return Document(ids, [True] * len(ids))

    def _conversation(self, turns: list[Turn]) -> Document:
        return Document(*encode_conversation(self.tokenizer, turns))

    def state(self) -> dict[str, int]:
        return {"epoch": self.epoch, "index": self.index, "tokens": self.tokens}

    def load_state(self, state: dict[str, int]) -> None:
        self.epoch, self.index, self.tokens = state["epoch"], state["index"], state["tokens"]
        self._order = []


class Batches:
    """Packed batches of `rows` rows of `length` tokens from the mixture."""

    def __init__(self, sources: list[Source], rows: int, length: int, loss_on: str) -> None:
        self.sources = sources
        self.rows, self.length = rows, length
        self.is_assistant_only = loss_on == "assistant"
        self._carried: list[Document] = []

    def _draw(self) -> Document:
        """Draw from the source that is furthest behind its share."""
        source = min(self.sources, key=lambda s: s.tokens / s.config.share)
        document = source.draw()
        return Document(document.ids[: self.length], document.mask[: self.length])

    def next(self) -> Batch:
        rows: list[list[Document]] = [[] for _ in range(self.rows)]
        room = [self.length] * self.rows
        carried, self._carried = self._carried, []
        while len(self._carried) < _MISFITS:
            document = carried.pop() if carried else self._draw()
            fits = [i for i in range(self.rows) if room[i] >= len(document.ids)]
            if not fits:
                self._carried.append(document)
                continue
            best = min(fits, key=lambda i: room[i])
            rows[best].append(document)
            room[best] -= len(document.ids)
        return pack(rows, self.length, self.is_assistant_only)

    def state(self) -> dict[str, Any]:
        return {
            "sources": {s.config.name: s.state() for s in self.sources},
            "carried": [(d.ids, d.mask) for d in self._carried],
        }

    def load_state(self, state: dict[str, Any]) -> None:
        for source in self.sources:
            source.load_state(state["sources"][source.config.name])
        self._carried = [Document(list(ids), list(mask)) for ids, mask in state["carried"]]


def pack(rows: list[list[Document]], length: int, is_assistant_only: bool) -> Batch:
    """Lay documents side by side; a target is the next token of the same document."""
    tokens = torch.zeros(len(rows), length, dtype=torch.long)
    targets = torch.full_like(tokens, IGNORE)
    numbers = torch.zeros_like(tokens)
    for i, documents in enumerate(rows):
        at = 0
        for number, document in enumerate(documents, 1):
            n = len(document.ids)
            ids = torch.tensor(document.ids)
            tokens[i, at : at + n] = ids
            numbers[i, at : at + n] = number
            wanted = ids[1:].clone()
            if is_assistant_only:
                wanted[~torch.tensor(document.mask[1:], dtype=torch.bool)] = IGNORE
            targets[i, at : at + n - 1] = wanted
            at += n
    return Batch(tokens, targets, numbers)
