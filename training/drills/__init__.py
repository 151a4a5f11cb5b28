"""Drills: conversations made by rule, each drawn afresh, that can only be answered by doing.

A small model learns to copy, to recall and to count late, because few tokens of ordinary talk
depend on it. In a drill nearly every token of the reply does.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from inference.chat_template import Turn
from training.drills.facts import fact
from training.drills.letters import spelling
from training.drills.lists import echo, order
from training.drills.numbers import arithmetic
from training.drills.recall import recall

__all__ = ["drill"]

_Exchange = Callable[[dict[str, list[str]], random.Random], list[Turn]]

RECALL_SHARE = 0.55
SHORT_DRILLS: tuple[tuple[float, _Exchange], ...] = (
    (0.10, echo),
    (0.10, arithmetic),
    (0.07, spelling),
    (0.06, order),
    (0.12, fact),
)


def drill(words: dict[str, list[str]], fillers: list[list[Turn]], rng: random.Random) -> list[Turn]:
    """Draw one conversation of at most about 300 tokens.

    `words` are the slot lists; `fillers` are short conversations, of which recall puts first
    exchanges between a statement and its question. The short drills come one to three at once.
    """
    if rng.random() < RECALL_SHARE:
        return recall(words, fillers, rng)
    weights = [weight for weight, _ in SHORT_DRILLS]
    (chosen,) = rng.choices([make for _, make in SHORT_DRILLS], weights=weights)
    return [turn for _ in range(rng.choice((1, 1, 2, 3))) for turn in chosen(words, rng)]
