"""Where documents come from: one endless, reshuffled stream for every [[source]] of a config."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inference.chat_template import Turn, encode_conversation
from inference.tokenizer import Tokenizer
from training import corpus, smalltalk
from training.config import RunConfig, SourceConfig
from training.drills import drill
from training.prepare.fingerprint import open_shard
from training.rows import Document
from training.shards import ShardReader

_DRILLS = 10_000  # of one epoch


def open_sources(config: RunConfig, tokenizer: Tokenizer, seed: int) -> list[Source]:
    """Open all sources of a run, from its shards where `prepare` made them."""
    folder = Path(config.shards)
    return [
        Source(
            source,
            tokenizer,
            seed,
            open_shard(folder, source, config.tokenizer) if config.shards else None,
        )
        for source in config.sources
    ]


class Source:
    """An endless, reshuffled stream of documents of one kind."""

    def __init__(
        self,
        config: SourceConfig,
        tokenizer: Tokenizer,
        seed: int,
        shard: ShardReader | None = None,
    ) -> None:
        self.config = config
        self.tokenizer = tokenizer
        self.seed = seed
        self.epoch, self.index, self.tokens = 0, 0, 0
        self._shard = shard
        self._items: Sequence[Any] = range(len(shard)) if shard else self._read()
        self._order: list[int] = []
        if not self._items:
            raise smalltalk.DataError(f"source {config.name} is empty")

    def _read(self) -> Sequence[Any]:
        path = Path(self.config.path)
        if self.config.kind in ("smalltalk", "drill"):
            self._slots = smalltalk.Slots.read(path / "slots.json")
            conversations = smalltalk.read_folder(path, self.config.files)[0]
            if self.config.kind == "drill":
                self._fillers = conversations
                return list(range(_DRILLS))  # each is made when it is drawn
            return conversations
        rows = [r for r in corpus.read_rows(path) if self._is_wanted(r)]
        if self.config.kind == "stories":
            rng = random.Random(self.seed)
            asked = (corpus.as_story_request(r["text"], rng) for r in rows)
            return [turns for turns in asked if turns]
        return rows

    def _is_wanted(self, row: dict[str, Any]) -> bool:
        return (
            ("turns" in row) == (self.config.kind == "turns")
            and row.get("simple", 1.0) >= self.config.min_simple
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
        if self._shard is not None:
            return Document(*self._shard[item])
        if kind == "smalltalk":
            turns = smalltalk.roughen(smalltalk.fill_slots(item, self._slots.train, rng), rng)
            return self._conversation(turns)
        if kind == "stories":
            return self._conversation(item)
        if kind == "drill":
            turns = drill(self._slots.train, self._fillers, rng)
            return self._conversation(smalltalk.roughen(turns, rng, typos=0.0))
        if kind == "turns":
            return self._conversation(corpus.row_turns(item))
        text = item["text"]
        if kind == "sentences":
            text = corpus.join_sentences(rng.sample(self._items, min(10, len(self._items))), rng)
        ids = [*self.tokenizer.encode(text), self.tokenizer.end_id]
        return Document(ids, [True] * len(ids))

    def _conversation(self, turns: list[Turn]) -> Document:
        return Document(*encode_conversation(self.tokenizer, turns))

    def state(self) -> dict[str, int]:
        return {"epoch": self.epoch, "index": self.index, "tokens": self.tokens}

    def load_state(self, state: dict[str, int]) -> None:
        self.epoch, self.index, self.tokens = state["epoch"], state["index"], state["tokens"]
        self._order = []
