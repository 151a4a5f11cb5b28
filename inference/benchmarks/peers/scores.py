"""Whether another program computes the same network: scores of given texts, and their comparison.

Needs numpy alone, so that each program's worker can use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Score = tuple[float, int]  # log-probability of the next token, and the likeliest one
Rows = Sequence[Sequence[Score]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far another program's scores are from ours on the same texts."""

    loss: float  # nats per token, theirs
    loss_ours: float
    agreement: float  # share of places with the same likeliest token
    largest_difference: float  # of the log-probability of a given token

    @property
    def loss_difference(self) -> float:
        return self.loss - self.loss_ours


def score_row(logits: NDArray[Any], ids: Sequence[int]) -> list[Score]:
    """Score one text from its logits (T, V): one score for each token but the first."""
    wide = logits[:-1].astype(np.float64)
    wide -= wide.max(-1, keepdims=True)
    given = wide[np.arange(len(wide)), list(ids[1:])] - np.log(np.exp(wide).sum(-1))
    return list(zip(given.tolist(), wide.argmax(-1).tolist(), strict=True))


def compare(theirs: Rows, ours: Rows) -> Comparison:
    """Compare two programs' scores of the same rows."""
    pairs = [
        (a, b)
        for row_a, row_b in zip(theirs, ours, strict=True)
        for a, b in zip(row_a, row_b, strict=True)
    ]
    losses_theirs, losses_ours = ([-p[k][0] for p in pairs] for k in (0, 1))
    return Comparison(
        loss=sum(losses_theirs) / len(pairs),
        loss_ours=sum(losses_ours) / len(pairs),
        agreement=sum(a[1] == b[1] for a, b in pairs) / len(pairs),
        largest_difference=max(abs(a[0] - b[0]) for a, b in pairs),
    )
