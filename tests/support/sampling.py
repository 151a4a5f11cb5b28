"""What the tests of the sampler share: requests, logits and combinations of filters."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from inference.engine.detokenizer import Detokenizer
from inference.engine.params import SamplingParams
from inference.engine.request import Request
from inference.engine.sampler import Sampled, Sampler

V = 1000
BANNED, END = (3, 997, 998), 999


def make_request(
    seed: int = 0, prompt: Sequence[int] = (7, 8), generated: Sequence[int] = (), **params: Any
) -> Request:
    return Request(
        str(seed), list(prompt), SamplingParams(**({"min_tokens": 0} | params)), seed,
        Detokenizer(()), deadline=0.0, generated=list(generated),
    )  # fmt: skip


def make_logits(rows: int, vocab_size: int = V, *, seed: int = 0, step: float = 0.0) -> Tensor:
    """Random logits; with a `step` they are multiples of it, so that many are equal."""
    logits = torch.randn(rows, vocab_size, generator=torch.Generator().manual_seed(seed)) * 4
    return (logits / step).round() * step if step else logits


def draw(logits: Tensor, requests: list[Request], sampler: Sampler | None = None) -> list[Sampled]:
    sampler = sampler or Sampler(logits.shape[1], BANNED, END)
    return sampler.sample(logits.clone(), requests)


def ids(sampled: Sequence[Sampled]) -> list[int]:
    return [s.token_id for s in sampled]


FILTERS: list[dict[str, Any]] = [
    {"top_k": 40}, {"top_k": 5}, {"top_k": 1}, {"top_k": 64}, {"top_k": 65}, {"top_k": 300},
    {"top_k": 0}, {"temperature": 0}, {"top_p": 0.5}, {"top_p": 0.01}, {"top_p": 0.95, "top_k": 0},
    {"min_p": 0.2}, {"min_p": 1.0}, {"min_p": 0.05, "top_k": 0}, {"top_k": 200, "top_p": 0.9},
    {"top_k": 100, "top_p": 0.8, "min_p": 0.1}, {"temperature": 2.0, "top_k": 0, "top_p": 0.3},
    {"temperature": 0.1},
]  # fmt: skip
