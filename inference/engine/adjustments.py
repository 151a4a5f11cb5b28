"""What is done to the logits of requests that want it: repetition penalty, then bias.

In this order a bias means the same under every penalty. Both work on flat places in the batch's
logits, kept between steps. Bans come later, in `drawing`: no bias lifts them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from inference.engine.candidates import Ints
from inference.engine.request import Request


class Adjustments:
    """The params of a batch that change logits. `begin` for each new list of requests."""

    def __init__(self, vocab_size: int, end_id: int) -> None:
        self._vocab_size = vocab_size
        self._bias: tuple[Tensor, Tensor] | None = None
        self._penalty = _Penalty(vocab_size, end_id)

    def begin(self, requests: Sequence[Request], device: torch.device) -> None:
        # Ids are checked where a request comes in; it may have waited for another checkpoint.
        bias = [
            (row * self._vocab_size + token, value)
            for row, request in enumerate(requests)
            for token, value in request.params.logit_bias
            if token < self._vocab_size
        ]
        self._bias = _split(bias, device) if bias else None
        self._penalty.begin(requests, device)

    @property
    def is_empty(self) -> bool:
        return not self._bias and not self._penalty.rows

    @torch.inference_mode()
    def apply(self, logits: Tensor) -> None:
        """Change `logits` (B, V)."""
        flat = logits.view(-1)
        self._penalty.apply(flat)
        if self._bias:
            flat.index_add_(0, *self._bias)


class _Penalty:
    """Divides positive and multiplies negative logits of the tokens in a row's context.

    As in CTRL (Keskar et al. 2019), Transformers and vLLM the prompt counts too: the same number
    means the same elsewhere, and a reply does not repeat the one before it. The end of a turn is
    spared: it is in every prompt of a longer conversation, and replies would find no end.
    """

    def __init__(self, vocab_size: int, end_id: int) -> None:
        self._vocab_size, self._end_id = vocab_size, end_id
        self.rows: list[tuple[int, Request]] = []
        # The context of each request, and how many generated tokens of it are known.
        self._contexts: dict[Request, tuple[Ints, int]] = {}

    def begin(self, requests: Sequence[Request], device: torch.device) -> None:
        self.rows = [
            (row, r) for row, r in enumerate(requests) if r.params.repetition_penalty != 1.0
        ]
        if not self.rows:
            self._contexts.clear()
            return
        self._contexts = {r: self._context(r) for _, r in self.rows}
        self._known = [len(r.generated) for _, r in self.rows]
        parts = [self._contexts[r][0] + row * self._vocab_size for row, r in self.rows]
        factors = [r.params.repetition_penalty for _, r in self.rows]
        each = np.repeat(np.array(factors, np.float32), [len(part) for part in parts])
        self._places = torch.from_numpy(np.concatenate(parts)).to(device)
        self._factors = torch.from_numpy(each).to(device)

    def apply(self, flat: Tensor) -> None:
        if not self.rows:
            return
        self._take_new()
        values = flat[self._places]
        # A token that came twice is here twice; both write the same value.
        flat[self._places] = torch.where(values > 0, values / self._factors, values * self._factors)

    def _context(self, request: Request) -> tuple[Ints, int]:
        ids, known = self._contexts.get(request, (None, 0))
        if ids is None:
            ids = self._without_end(request.prompt_ids)
        if new := request.generated[known:]:
            ids = np.concatenate((ids, self._without_end(new)))
        return ids, len(request.generated)

    def _without_end(self, tokens: Sequence[int]) -> Ints:
        ids: Ints = np.array(tokens, np.int64)
        kept: Ints = ids[ids != self._end_id]
        return kept

    def _take_new(self) -> None:
        """Add what was generated since the last call."""
        new: list[tuple[int, float]] = []
        for i, (row, request) in enumerate(self.rows):
            first, penalty = row * self._vocab_size, request.params.repetition_penalty
            tokens = request.generated[self._known[i] :]
            new += [(first + token, penalty) for token in tokens if token != self._end_id]
            self._known[i] = len(request.generated)
        if new:
            places, factors = _split(new, self._places.device)
            self._places = torch.cat((self._places, places))
            self._factors = torch.cat((self._factors, factors))


def _split(pairs: Sequence[tuple[int, float]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Places as int64 and numbers as float32."""
    places = torch.tensor([place for place, _ in pairs], dtype=torch.int64, device=device)
    return places, torch.tensor([n for _, n in pairs], dtype=torch.float32, device=device)
