"""What is asked, all of it from one seed: texts, params, think times.

The pool is small on purpose: each of its questions is asked many times over the run, by other
clients, on other workers and through other faults, and must get the same answer.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

from deploy.local.paths import ROOT

TEXTS = ROOT / "chat" / "benchmarks" / "prompts.txt"
POOL = 60
_MIN_TOKENS, _MAX_TOKENS = (60, 160), (180, 280)
_THINK_S = (0.1, 1.5)

Turns = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A text with its params."""

    text: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question that a client asks under a name of its own, after the turns before it."""

    client_id: str
    question: Question
    turns: Turns = ()
    conversation: int | None = None

    @property
    def key(self) -> str:
        """The same key must get the same text, whoever asks."""
        return json.dumps([self.turns, self.question.text, self.question.params], sort_keys=True)

    def history(self) -> list[dict[str, str]]:
        return [{"role": role, "content": content} for role, content in self.turns]


def question_pool(seed: int) -> list[Question]:
    """The questions of a run."""
    rng = random.Random(f"pool {seed}")
    texts = [line for line in TEXTS.read_text(encoding="utf-8").splitlines() if line]
    return [_question(rng, rng.choice(texts)) for _ in range(POOL)]


def _question(rng: random.Random, text: str) -> Question:
    params: dict[str, Any] = {
        "seed": rng.randrange(2**31),
        "min_tokens": rng.randint(*_MIN_TOKENS),
        "max_tokens": rng.randint(*_MAX_TOKENS),
    }
    if rng.random() < 0.3:
        params |= {"temperature": rng.choice([0, 1.2]), "top_p": 0.9}
    return Question(text, params)


class Script:
    """What one client asks, and how long it thinks before; the same for the same seed."""

    def __init__(self, seed: int, client: str, pool: list[Question]) -> None:
        self._rng = random.Random(f"{seed} {client}")
        self._client = client
        self._pool = pool
        self._count = 0

    def question(self) -> Question:
        return self._rng.choice(self._pool)

    def client_id(self) -> str:
        self._count += 1
        return f"{self._client}-{self._count}"

    def think_s(self) -> float:
        return self._rng.uniform(*_THINK_S)

    def turns_in_conversation(self) -> int:
        return self._rng.choice([1, 1, 2, 3])

    def begin_s(self, within_s: float) -> float:
        return self._rng.uniform(0, within_s)
