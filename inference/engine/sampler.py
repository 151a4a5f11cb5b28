"""Logits to tokens. What a row gets depends on its own logits, params, seed and step alone.

Here stands what a batch has in common: its params are kept as arrays for as long as the same
requests come. `adjustments` changes the logits, `drawing` chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from inference.engine.adjustments import Adjustments
from inference.engine.candidates import Ints, find_candidates
from inference.engine.drawing import Group, Vocabulary, make_groups
from inference.engine.request import Request, TokenLogprobs


class Sampled(NamedTuple):
    token_id: int
    logprobs: TokenLogprobs | None = None


class Sampler:
    """Choose tokens for the rows of a batch; `banned` ids never. Call from one thread."""

    def __init__(self, vocab_size: int, banned: Sequence[int], end_id: int) -> None:
        self._vocabulary = Vocabulary(vocab_size, np.array(banned, np.int64), end_id)
        self._adjustments = Adjustments(vocab_size, end_id)
        self._requests: list[Request] = []
        self._groups: list[Group] = []
        self._reporting: list[int] = []

    def sample(self, logits: Tensor, requests: Sequence[Request]) -> list[Sampled]:
        """Choose one token for each row of `logits` (B, V), float32, contiguous, overwritten.

        A row's step is the number of tokens its request has generated. Log-probabilities are the
        model's own, as OpenAI and vLLM report them: before penalty, bias, bans, temperature and
        filters. A row without a number in it gets the end: one broken reply ends, not all.
        """
        if self._requests != requests:
            self._begin(list(requests), logits.device)
        raw = self._raw_logprobs(logits) if self._reporting else None
        # Counted anew, which costs 2 us for 64 rows: a counter could come to differ.
        steps = np.array([len(r.generated) for r in requests], np.int64)
        if not self._adjustments.is_empty:
            self._adjustments.apply(logits)
        ids = self._choose(logits, steps)
        sampled = [Sampled(token) for token in ids.tolist()]
        if raw is not None:
            for row, report in zip(self._reporting, self._reports(raw, ids), strict=True):
                sampled[row] = Sampled(report.token_id, report)
        return sampled

    def _begin(self, requests: list[Request], device: torch.device) -> None:
        """Make the arrays of a new list of requests."""
        self._requests = requests
        self._adjustments.begin(requests, device)
        self._groups = make_groups(requests, self._vocabulary, device)
        self._reporting = [row for row, r in enumerate(requests) if r.params.logprobs]

    def _choose(self, logits: Tensor, steps: Ints) -> Ints:
        if len(self._groups) == 1:
            return self._groups[0].choose(logits, steps)
        ids = np.empty(len(logits), np.int64)
        for group in self._groups:
            rows = logits.index_select(0, group.rows_tensor)
            ids[group.rows] = group.choose(rows, steps[group.rows])
        return ids

    def _raw_logprobs(self, logits: Tensor) -> Tensor:
        """(R, V) of the rows that want them."""
        if len(self._reporting) < len(logits):
            logits = logits[self._reporting]
        return logits.log_softmax(-1)

    def _reports(self, raw: Tensor, ids: Ints) -> list[TokenLogprobs]:
        """Of the rows that want them; of equally likely tokens the lower id comes first."""
        counts = [self._requests[row].params.logprobs for row in self._reporting]
        found = find_candidates(raw, max(counts))
        order = (-found.values).argsort(axis=1, kind="stable")[:, : max(counts)]
        top_ids = np.take_along_axis(found.ids, order, 1).tolist()
        top_values = np.take_along_axis(found.values, order, 1).tolist()
        chosen = ids[self._reporting].tolist()
        values = raw.gather(1, torch.tensor(chosen, device=raw.device)[:, None])[:, 0].tolist()
        return [
            TokenLogprobs(token, value, tuple(zip(row_ids, row_values, strict=True))[:count])
            for token, value, count, row_ids, row_values in zip(
                chosen, values, counts, top_ids, top_values, strict=True
            )
        ]
