"""One token for each row: the Gumbel-max trick over what bans, top-k, top-p and min-p leave.

Greedy is the width of 1. A filter keeps all tokens as likely as the last one it keeps, so that
equal logits, common in bf16, are never told apart by the way they were found. Rows are drawn in
groups of like width, and a row's group follows from its own params.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inference.engine.candidates import Floats, Ints, argmax, find_candidates
from inference.engine.params import SamplingParams
from inference.engine.request import Request
from inference.engine.row_kernels import CROWDED, NARROW, choose_rows, draw_rows

# Rows that look at every token are drawn a few at a time, so that the work stays in the caches.
_OPEN_ROWS = 8
# Colder than this the noise is smaller than the precision of a logit.
_COLDEST = 1e-6


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """`banned` ids are never chosen, the end not before a row's `min_tokens`."""

    size: int
    banned: Ints
    end_id: int


def make_groups(
    requests: Sequence[Request], vocabulary: Vocabulary, device: torch.device
) -> list[Group]:
    """Part the rows of a batch."""
    greedy, narrow, wide, whole = list[int](), list[int](), list[int](), list[int]()
    for row, request in enumerate(requests):
        k = _width(request.params, vocabulary.size)
        wider = whole if k == vocabulary.size else wide
        (wider if k > NARROW else narrow if k > 1 else greedy).append(row)
    on_cpu = device.type == "cpu"
    if narrow and on_cpu:  # the kernel takes greedy rows too, which saves their copies
        greedy, narrow = [], sorted(greedy + narrow)
    open_ = [whole[i : i + _OPEN_ROWS] for i in range(0, len(whole), _OPEN_ROWS)]
    parts = [(greedy, Group), (narrow, NarrowGroup if on_cpu else Group), (wide, Group)]
    return [
        kind(part, [requests[row] for row in part], vocabulary, device)
        for part, kind in [*parts, *((part, Group) for part in open_)]
        if part
    ]


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
        requests: list[Request],
        vocabulary: Vocabulary,
        device: torch.device,
    ) -> None:
        self.rows = rows
        self.rows_tensor = torch.tensor(rows, device=device)
        self._requests = requests
        self._vocabulary = vocabulary
        params = [r.params for r in requests]
        self._k = np.array([_width(p, vocabulary.size) for p in params], np.int64)
        self._min_tokens = np.array([p.min_tokens for p in params], np.int64)
        self._temperature = np.array([max(p.temperature, _COLDEST) for p in params])
        self._top_p = np.array([p.top_p for p in params], np.float64)
        self._min_p = np.array([p.min_p for p in params], np.float64)
        self._seeds = np.array([r.seed for r in requests], np.uint64)

    @torch.inference_mode()
    def choose(self, logits: Tensor, steps: Ints) -> Ints:
        """One id for each row of `logits` at its step; the end for a row without numbers."""
        self._forbid(logits, steps)
        widest = int(self._k.max())
        if widest == 1:
            ids = argmax(logits)
        else:
            found = find_candidates(logits, widest)
            least = self.least_kept(found.values)
            ids = np.empty(len(logits), np.int64)
            draw_rows(found.ids, found.values, least, self._temperature, self._seeds, steps, ids)
        ids[ids < 0] = self._vocabulary.end_id
        return ids

    def _forbid(self, logits: Tensor, steps: Ints) -> None:
        logits[:, torch.from_numpy(self._vocabulary.banned)] = -torch.inf
        if (early := (steps < self._min_tokens).nonzero()[0]).size:
            logits[torch.from_numpy(early), self._vocabulary.end_id] = -torch.inf

    def least_kept(self, values: Floats) -> Floats:
        """(B,): the smallest of the candidates' `values` (B, C) that the filters leave."""
        has_nucleus = bool((self._top_p < 1).any() or (self._min_p > 0).any())
        if not has_nucleus and int(self._k.min()) >= self._vocabulary.size:
            smallest: Floats = values.min(1)
            return smallest
        ordered: Floats = np.sort(values, axis=1)[:, ::-1]
        index = np.arange(len(values))
        least: Floats = ordered[index, np.minimum(self._k, values.shape[1]) - 1]
        if has_nucleus:
            last = self._nucleus(ordered, least[:, None]) - 1
            np.maximum(least, ordered[index, last], out=least)
        return least

    def _nucleus(self, ordered: Floats, least: Floats) -> Ints:
        """How many of the `ordered` logits (B, C), descending, top-p and min-p leave."""
        with np.errstate(invalid="ignore"):  # a row without numbers
            weights: npt.NDArray[np.float64] = np.exp(
                (ordered - ordered[:, :1]) / self._temperature[:, None]
            )
        weights[ordered < least] = 0.0
        sums = weights.cumsum(1)
        # Without top-p nothing goes, even where rounding brings a row's sum to 1 early.
        share = np.where(self._top_p < 1, self._top_p, np.inf)[:, None]
        kept = (sums - weights < share * sums[:, -1:]) & (weights >= self._min_p[:, None])
        count: Ints = kept.sum(1)
        return count


class NarrowGroup(Group):
    """Rows with a narrow filter on the CPU: one compiled loop for all of it."""

    def choose(self, logits: Tensor, steps: Ints) -> Ints:
        ids = np.empty(len(logits), np.int64)
        choose_rows(
            logits.numpy(), self._vocabulary.banned, self._vocabulary.end_id, self._min_tokens,
            self._k, self._temperature, self._top_p, self._min_p, self._seeds, steps, ids,
        )  # fmt: skip
        if ids.min() == CROWDED:
            for i in (ids == CROWDED).nonzero()[0].tolist():
                alone = Group([i], [self._requests[i]], self._vocabulary, logits.device)
                ids[i] = alone.choose(logits[i : i + 1], steps[i : i + 1])[0]
        return ids
