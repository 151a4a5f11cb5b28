"""The checkpoint under test with its data, and the replies that several measures look at."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tqdm import tqdm

from inference.chat_template import Turn
from inference.model.gpt import GPT
from inference.tokenizer import Tokenizer
from training import smalltalk
from training.evaluation.generate import Answer, answers
from training.evaluation.probes import read_probes

TEMPERATURE, SEED = 0.7, 1
_CONTEXTS = 100


@dataclass
class Subject:
    """`limit` thins every set of cases out to so many, evenly spread, for a quick look."""

    model: GPT
    tokenizer: Tokenizer
    talk: Path  # the small-talk folder
    corpus: Path | None = None
    limit: int | None = None
    is_quiet: bool = False
    label: str = field(default="", init=False)  # of the progress bar

    def cut(self, cases: Sequence[Any]) -> list[Any]:
        n = len(cases)
        kept = min(self.limit or n, n)
        return [cases[i * n // kept] for i in range(kept)]

    @cached_property
    def slots(self) -> smalltalk.Slots:
        return smalltalk.Slots.read(self.talk / "slots.json")

    @cached_property
    def lines(self) -> tuple[list[list[Turn]], list[list[Turn]]]:
        """Small talk with its slots open: (trained on, held out)."""
        return smalltalk.read_folder(self.talk)[:2]

    @cached_property
    def held_out(self) -> list[list[Turn]]:
        """Held-out small talk, its slots filled with held-out words."""
        rng = random.Random(7)
        filled = [smalltalk.fill_slots(t, self.slots.held_out, rng) for t in self.lines[1]]
        return self.cut(filled)

    @cached_property
    def contexts(self) -> list[tuple[list[Turn], str]]:
        """Held-out (turns up to a user's, the human's reply) with an exchange or more before."""
        long = [t for t in self.held_out if len(t) >= 4]
        return [(turns[:-1], turns[-1].content) for turns in long[:_CONTEXTS]]

    @cached_property
    def context_replies(self) -> list[Answer]:
        return self.replies([turns for turns, _ in self.contexts], temperature=TEMPERATURE)

    @property
    def conversations(self) -> list[list[Turn]]:
        """The fixed conversations, every user turn answered."""
        return self._conversations[0]

    @property
    def conversation_answers(self) -> list[Answer]:
        """The assistant's turns of `conversations`, in no useful order."""
        return self._conversations[1]

    @cached_property
    def _conversations(self) -> tuple[list[list[Turn]], list[Answer]]:
        """Sampled as users would see it; the first messages of all together, then the second."""
        probes = self.cut(read_probes("conversations"))
        done: list[list[Turn]] = [[] for _ in probes]
        given: list[Answer] = []
        for i in range(max((len(p["turns"]) for p in probes), default=0)):
            open_ones = [n for n, p in enumerate(probes) if i < len(p["turns"])]
            for n in open_ones:
                done[n].append(Turn("user", probes[n]["turns"][i]))
            replies = self.replies([done[n] for n in open_ones], temperature=TEMPERATURE)
            for n, reply in zip(open_ones, replies, strict=True):
                done[n].append(Turn("assistant", reply.text))
            given += replies
        return done, given

    def replies(
        self, conversations: Sequence[Sequence[Turn]], *, temperature: float
    ) -> list[Answer]:
        """Answer each conversation's last turn; shows a bar while it does."""
        with tqdm(
            total=len(conversations), desc=self.label, unit="reply", leave=False,
            disable=self.is_quiet,
        ) as bar:  # fmt: skip
            return answers(
                self.model, self.tokenizer, conversations,
                temperature=temperature, seed=SEED, progress=bar.update,
            )  # fmt: skip
