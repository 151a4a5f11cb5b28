"""What is done to logits before tokens are chosen: repetition penalty, then bias, then bans.

In this order a bias means the same under every penalty, and no bias lifts a ban. All of it works
on flat places in the batch's logits, kept between steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from inference.engine.candidates import Ints
from inference.engine.request import Request

_BANNED = float("-inf")


class Adjustments:
    """The params of a batch that change logits. `begin` for each new list of requests."""

    def __init__(self, vocab_size: int, banned: Sequence[int], end_id: int) -> None:
        self._vocab_size = vocab_size
        self._end_id = end_id
        self._banned = torch.tensor(list(banned), dtype=torch.int64, device="cpu")
        self._bias: tuple[Tensor, Tensor] | None = None
        self._penalty = _Penalty(vocab_size, end_id)
        self._min_tokens = np.empty(0, np.int64)

    def begin(self, requests: Sequence[Request], device: torch.device) -> None:
        self._banned = self._banned.to(device)
        self._min_tokens = np.array([r.params.min_tokens for r in requests], np.int64)
        # Ids are checked where a request comes in; it may have waited for another checkpoint.
        bias = [
            (row * self._vocab_size + token, value)
            for row, request in enumerate(requests)
            for token, value in request.params.logit_bias
            if token < self._vocab_size
        ]
        self._bias = _split(bias, device) if bias else None
        self._penalty.begin(requests, device)

    def apply(self, logits: Tensor, steps: Ints) -> None:
        """Change `logits` (B, V); `steps` (B,) counts the tokens generated so far."""
        flat = logits.view(-1)
        self._penalty.apply(flat)
        if self._bias:
            flat.index_add_(0, *self._bias)
        if len(self._banned):
            logits.index_fill_(1, self._banned, _BANNED)
        early = (steps < self._min_tokens).nonzero()[0]
        if early.size:
            places = torch.from_numpy(early * self._vocab_size + self._end_id)
            flat.index_fill_(0, places.to(flat.device), _BANNED)


class _Penalty:
    """Divides positive and multiplies negative logits of the tokens in a row's context.

    As in CTRL (Keskar et al. 2019), Transformers and vLLM the prompt counts too: the same number
    means the same elsewhere, and a reply does not repeat the one before it. The end of a turn is
    spared: it is in every prompt of a longer conversation, and replies would find no end.
    """

    def __init__(self, vocab_size: int, end_id: int) -> None:
        self._vocab_size, self._end_id = vocab_size, end_id
        self._rows: list[tuple[int, Request]] = []
        # The context of each request, and how many generated tokens of it are known.
        self._contexts: dict[Request, tuple[Ints, int]] = {}

    def begin(self, requests: Sequence[Request], device: torch.device) -> None:
        self._rows = [
            (row, r) for row, r in enumerate(requests) if r.params.repetition_penalty != 1.0
        ]
        if not self._rows:
            self._contexts.clear()
            return
        self._contexts = {r: self._context(r) for _, r in self._rows}
        self._known = [len(r.generated) for _, r in self._rows]
        parts = [self._contexts[r][0] + row * self._vocab_size for row, r in self._rows]
        factors = [r.params.repetition_penalty for _, r in self._rows]
        each = np.repeat(np.array(factors, np.float32), [len(part) for part in parts])
        self._places = torch.from_numpy(np.concatenate(parts)).to(device)
        self._factors = torch.from_numpy(each).to(device)

    def apply(self, flat: Tensor) -> None:
        if not self._rows:
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
        for i, (row, request) in enumerate(self._rows):
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
