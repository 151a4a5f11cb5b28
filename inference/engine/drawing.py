"""One token for each row: the Gumbel-max trick over what top-k, top-p and min-p leave.

Greedy is the width of 1. A filter keeps all tokens as likely as the last one it keeps, so that
equal logits, common in bf16, are never told apart by the way they were found. Rows are drawn in
groups of like width, and a row's group follows from its own params.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inference.engine.candidates import Floats, Ints, argmax, find_candidates
from inference.engine.noise import UInts, gumbel
from inference.engine.params import SamplingParams

# Rows that look at more tokens than this are drawn apart: beside them all would be as slow.
_NARROW = 64
# Rows that look at every token are drawn a few at a time, so that the work stays in the caches.
_OPEN_ROWS = 8
# Colder than this the noise is smaller than the precision of a logit.
_COLDEST = 1e-6


def make_groups(
    params: Sequence[SamplingParams], vocab_size: int, device: torch.device
) -> list[Group]:
    """Part the rows of a batch."""
    narrow, wide, whole = list[int](), list[int](), list[int]()
    for row, p in enumerate(params):
        k = _width(p, vocab_size)
        (narrow if k <= _NARROW else wide if k < vocab_size else whole).append(row)
    parts = [narrow, wide, *(whole[i : i + _OPEN_ROWS] for i in range(0, len(whole), _OPEN_ROWS))]
    return [Group(part, [params[i] for i in part], vocab_size, device) for part in parts if part]


def _width(params: SamplingParams, vocab_size: int) -> int:
    """How many of the likeliest tokens a row looks at."""
    if params.temperature < _COLDEST:
        return 1
    return min(params.top_k or vocab_size, vocab_size)


class Group:
    """Rows that are drawn together, and their params as arrays."""

    def __init__(
        self,
        rows: list[int],
        params: Sequence[SamplingParams],
        vocab_size: int,
        device: torch.device,
    ) -> None:
        self.rows = rows
        self.rows_tensor = torch.tensor(rows, device=device)
        self._index = np.arange(len(rows))
        self._k = np.array([_width(p, vocab_size) for p in params], np.int64)
        self._widest = int(self._k.max())
        self._has_top_k = int(self._k.min()) < vocab_size
        is_greedy = self._k[:, None] == 1
        self._is_greedy = is_greedy if is_greedy.any() else None
        self._temperature = np.array([[max(p.temperature, _COLDEST)] for p in params])
        self._has_nucleus = any(p.top_p < 1 or p.min_p > 0 for p in params)
        # Without top-p nothing goes, even where rounding brings a row's sum to 1 early.
        self._top_p = np.array([[p.top_p if p.top_p < 1 else np.inf] for p in params])
        self._min_p = np.array([[p.min_p] for p in params])

    def choose(self, logits: Tensor, keys: UInts) -> Ints:
        """One id for each row of `logits` under the step's `keys`; below 0 for a row of NaN."""
        if self._widest == 1:
            return argmax(logits)
        found = find_candidates(logits, self._widest)
        least = self.least_kept(found.values) if self._has_top_k or self._has_nucleus else None
        if least is not None and self._widest > _NARROW:
            found = found.at_least(least, logits.shape[1])  # no noise for what is filtered
        scores = found.values / self._temperature
        scores += gumbel(keys, found.ids)
        if self._is_greedy is not None:
            np.copyto(scores, -found.ids, where=self._is_greedy)  # the lowest id of equals
        if least is not None:
            scores[found.values < least] = -np.inf
        best: Ints = found.ids[self._index, scores.argmax(1)]
        return best

    def least_kept(self, values: Floats) -> Floats:
        """(B, 1): the smallest of the candidates' `values` (B, C) that the filters leave."""
        ordered: Floats = np.sort(values, axis=1)[:, ::-1]
        least: Floats = ordered[self._index, np.minimum(self._k, ordered.shape[1]) - 1]
        if self._has_nucleus:
            kept = self._nucleus(ordered, least[:, None])
            np.maximum(least, ordered[self._index, kept - 1], out=least)
        return least[:, None]

    def _nucleus(self, ordered: Floats, least: Floats) -> Ints:
        """How many of the `ordered` logits (B, C), descending, top-p and min-p leave."""
        with np.errstate(invalid="ignore"):  # a row of NaN
            weights: npt.NDArray[np.float64] = np.exp(
                (ordered - ordered[:, :1]) / self._temperature
            )
        weights[ordered < least] = 0.0
        sums = weights.cumsum(1)
        kept = (sums - weights < self._top_p * sums[:, -1:]) & (weights >= self._min_p)
        count: Ints = kept.sum(1)
        return count
