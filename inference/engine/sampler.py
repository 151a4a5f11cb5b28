"""Logits to tokens. What a row gets depends on its own logits, params, seed and step alone.

Sampling is the Gumbel-max trick (Maddison et al. 2014) with noise from a counter-based hash of
(seed, step, token id): no generator state, so a request resumed on another worker, or batched
with others, draws what it would have drawn alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from inference.engine.params import SamplingParams
from inference.engine.request import Request, TokenLogprobs

_GOLDEN = -7046029254386353131  # 0x9E3779B97F4A7C15 as a signed 64-bit integer
_MIX1, _MIX2 = -4658895280553007687, -7723592293110705685  # SplitMix64's multipliers
_FLOOR = float("-inf")


@dataclass(frozen=True, slots=True)
class Sampled:
    token_id: int
    logprobs: TokenLogprobs | None


class Sampler:
    """Choose tokens for the rows of a batch. `banned` ids are never chosen."""

    def __init__(self, vocab_size: int, banned: Sequence[int], end_id: int) -> None:
        self.vocab_size = vocab_size
        self._banned = list(banned)
        self._end_id = end_id

    @torch.inference_mode()
    def sample(self, logits: Tensor, requests: Sequence[Request]) -> list[Sampled]:
        """Choose one token for each row of `logits` (B, V), which is overwritten.

        The end is not chosen before the row's `min_tokens`.
        """
        raw = logits.log_softmax(-1) if any(r.params.logprobs for r in requests) else None
        _apply_bans(logits, requests, self._banned, self._end_id)
        chosen = logits.argmax(-1)
        drawn = [i for i, r in enumerate(requests) if r.params.temperature > 0]
        if drawn:
            rows = logits if len(drawn) == len(requests) else logits[drawn]
            chosen[drawn] = _draw(rows, [requests[i] for i in drawn])
        ids = chosen.tolist()
        return [
            Sampled(token, _logprobs(raw[i], token, r.params.logprobs) if raw is not None else None)
            for i, (token, r) in enumerate(zip(ids, requests, strict=True))
        ]


def _apply_bans(
    logits: Tensor, requests: Sequence[Request], banned: Sequence[int], end_id: int
) -> None:
    logits[:, list(banned)] = _FLOOR
    early = [i for i, r in enumerate(requests) if len(r.generated) < r.params.min_tokens]
    if early:
        logits[early, end_id] = _FLOOR
    for i, request in enumerate(requests):
        if request.params.repetition_penalty != 1.0 and request.generated:
            _penalize(logits[i], request)


def _penalize(row: Tensor, request: Request) -> None:
    """Divide positive and multiply negative logits of tokens already written (Keskar 2019)."""
    seen = torch.tensor(sorted(set(request.generated)))
    values = row[seen]
    penalty = request.params.repetition_penalty
    row[seen] = torch.where(values > 0, values / penalty, values * penalty)


def _draw(logits: Tensor, requests: Sequence[Request]) -> Tensor:
    """Sample rows with a temperature: top-k, top-p, min-p, then Gumbel-max over the rest."""
    params = [r.params for r in requests]
    vocab = logits.shape[1]
    widest = max(p.top_k or vocab for p in params)
    values, ids = logits.topk(min(widest, vocab), dim=-1)
    values = values / torch.tensor([[p.temperature] for p in params])
    values = values.masked_fill(_is_filtered(values, params, vocab), _FLOOR)
    return ids.gather(1, (values + _gumbel(requests, ids)).argmax(-1, keepdim=True)).squeeze(1)


def _is_filtered(values: Tensor, params: Sequence[SamplingParams], vocab: int) -> Tensor:
    """(B, K) of descending values: True for what top-k, top-p or min-p takes out.

    The likeliest token always stays.
    """
    ranks = torch.arange(values.shape[1])
    filtered = ranks >= torch.tensor([[p.top_k or vocab] for p in params])
    if any(p.top_p < 1 or p.min_p > 0 for p in params):
        probs = values.masked_fill(filtered, _FLOOR).softmax(-1)
        before = probs.cumsum(-1) - probs
        # A row without top-p keeps everything: rounding may bring its sum to 1 early.
        top_p = torch.tensor([[p.top_p if p.top_p < 1 else 2.0] for p in params])
        filtered |= before >= top_p
        filtered |= probs < probs[:, :1] * torch.tensor([[p.min_p] for p in params])
    filtered[:, 0] = False
    return filtered


def _gumbel(requests: Sequence[Request], ids: Tensor) -> Tensor:
    """Gumbel noise (B, K) for the candidate `ids`, a pure function of seed, step and id."""
    seeds = torch.tensor([[r.seed] for r in requests])
    steps = torch.tensor([[len(r.generated)] for r in requests])
    bits = _mix(_mix(_mix(seeds + _GOLDEN) + steps * _GOLDEN) + ids * _GOLDEN)
    uniform = (_shift(bits, 11).double() + 0.5) * 2.0**-53
    return -torch.log(-torch.log(uniform)).float()


def _mix(z: Tensor) -> Tensor:
    """SplitMix64's finalizer (Steele et al. 2014) on int64, which wraps around as uint64 does."""
    z = (z ^ _shift(z, 30)) * _MIX1
    z = (z ^ _shift(z, 27)) * _MIX2
    return z ^ _shift(z, 31)


def _shift(z: Tensor, n: int) -> Tensor:
    """Logical shift to the right; torch's own copies the sign."""
    return (z >> n) & ((1 << (64 - n)) - 1)


def _logprobs(row: Tensor, token: int, count: int) -> TokenLogprobs | None:
    if not count:
        return None
    top = row.topk(count)
    alternatives = zip(top.indices.tolist(), top.values.tolist(), strict=True)
    return TokenLogprobs(token, row[token].item(), tuple(alternatives))
