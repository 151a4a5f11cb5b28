"""Rows of packed documents: what a training step sees. Knows neither sources nor models."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

IGNORE = -100


@dataclass(frozen=True, slots=True)
class Document:
    ids: list[int]
    mask: list[bool]  # True where the loss may look


@dataclass(frozen=True, slots=True)
class Batch:
    """tokens, targets, documents: (B, T); the last numbers the documents of a row from 1.

    soft_ids and soft_probs (B, T, K) are what a teacher expects next; a row without a teacher
    has probabilities of 0 throughout.
    """

    tokens: Tensor
    targets: Tensor
    documents: Tensor
    soft_ids: Tensor | None = None
    soft_probs: Tensor | None = None

    def attention_mask(self) -> Tensor:
        """(B, 1, T, T): causal, and never from one document into another."""
        t = self.tokens.shape[1]
        same = self.documents[:, :, None] == self.documents[:, None, :]
        before = torch.ones(t, t, dtype=torch.bool, device=same.device).tril()
        return (same & before)[:, None]

    def to(self, device: torch.device) -> Batch:
        """Give the batch on `device`; on its way to a GPU nothing waits for it."""
        if device.type == "cpu":
            return self
        return Batch(
            _send(self.tokens, device),
            _send(self.targets, device),
            _send(self.documents, device),
            None if self.soft_ids is None else _send(self.soft_ids, device),
            None if self.soft_probs is None else _send(self.soft_probs, device),
        )


def _send(values: Tensor, device: torch.device) -> Tensor:
    # Only pinned memory is copied while the CPU goes on.
    return values.pin_memory().to(device, non_blocking=True)


def pack(rows: list[list[Document]], length: int, is_assistant_only: bool) -> Batch:
    """Lay documents side by side; a target is the next token of the same document."""
    tokens = torch.zeros(len(rows), length, dtype=torch.long)
    targets = torch.full_like(tokens, IGNORE)
    numbers = torch.zeros_like(tokens)
    for i, documents in enumerate(rows):
        at = 0
        for number, document in enumerate(documents, 1):
            n = len(document.ids)
            ids = torch.tensor(document.ids)
            tokens[i, at : at + n] = ids
            numbers[i, at : at + n] = number
            wanted = ids[1:].clone()
            if is_assistant_only:
                wanted[~torch.tensor(document.mask[1:], dtype=torch.bool)] = IGNORE
            targets[i, at : at + n - 1] = wanted
            at += n
    return Batch(tokens, targets, numbers)


def join(taught: Batch, fresh: Batch) -> Batch:
    """One batch out of rows with and rows without a teacher."""
    assert taught.soft_ids is not None
    assert taught.soft_probs is not None
    blank = (len(fresh.tokens), *taught.soft_ids.shape[1:])
    return Batch(
        torch.cat((taught.tokens, fresh.tokens)),
        torch.cat((taught.targets, fresh.targets)),
        torch.cat((taught.documents, fresh.documents)),
        torch.cat((taught.soft_ids, torch.zeros(blank, dtype=taught.soft_ids.dtype))),
        torch.cat((taught.soft_probs, torch.zeros(blank, dtype=taught.soft_probs.dtype))),
    )
