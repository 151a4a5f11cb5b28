"""What every contender is asked to do, and what it reports. Knows no torch and no Django.

A workload is a closed loop: each stream sends its next prompt when its last reply is complete.
Prompts have exactly the length that was asked for and begin at different words, so that no cache
of prefixes helps by accident.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Any, Protocol

_SENTENCES = Path(__file__).with_name("prompts.txt")


class Encoder(Protocol):
    """The part of a tokenizer that makes a prompt."""

    user_id: int
    assistant_id: int

    def encode(self, text: str) -> list[int]: ...


@dataclass(frozen=True, slots=True)
class Workload:
    """Prompts by stream and round, and how to answer them. Every reply has `new_tokens` tokens."""

    prompts: list[list[list[int]]]
    new_tokens: int = 60
    top_k: int = 40
    temperature: float = 0.7
    seed: int = 1

    @property
    def streams(self) -> int:
        return len(self.prompts)

    @property
    def rounds(self) -> int:
        return len(self.prompts[0])

    @property
    def prompt_tokens(self) -> int:
        return len(self.prompts[0][0])

    def seed_of(self, stream: int, turn: int) -> int:
        return self.seed + stream * self.rounds + turn

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Trace:
    """One request: when it was sent and when each of its tokens came, in seconds of one clock."""

    submitted_s: float
    token_times_s: list[float]


def make_workload(
    tokenizer: Encoder,
    *,
    streams: int,
    prompt_tokens: int,
    rounds: int = 1,
    new_tokens: int = 60,
    seed: int = 1,
) -> Workload:
    """Build prompts of exactly `prompt_tokens` ids, the two role marks included."""
    texts = _texts(prompt_tokens, seed)
    prompts = [
        [make_prompt(tokenizer, next(texts), prompt_tokens) for _ in range(rounds)]
        for _ in range(streams)
    ]
    return Workload(prompts, new_tokens=new_tokens, seed=seed)


def make_prompt(tokenizer: Encoder, text: str, prompt_tokens: int) -> list[int]:
    """Cut `text` to a user's message that makes a prompt of exactly `prompt_tokens` ids."""
    if prompt_tokens < 3:
        raise ValueError("a prompt needs at least 3 tokens: two role marks and a word")
    ids = tokenizer.encode(text)[: prompt_tokens - 2]
    if len(ids) < prompt_tokens - 2:
        raise ValueError(f"the text gives only {len(ids)} of {prompt_tokens - 2} tokens")
    return [tokenizer.user_id, *ids, tokenizer.assistant_id]


def _texts(words: int, seed: int) -> Iterator[str]:
    """Texts of at least `words` words, each beginning at another word of the sentences."""
    sentences = _SENTENCES.read_text(encoding="utf-8").split("\n")
    rng = random.Random(seed)
    while True:
        rng.shuffle(sentences)
        all_words = " ".join(filter(None, sentences)).split(" ")
        starts = list(range(len(all_words)))
        rng.shuffle(starts)
        for start in starts:
            endless = cycle(chain(all_words[start:], all_words[:start]))
            yield " ".join(islice(endless, words))
