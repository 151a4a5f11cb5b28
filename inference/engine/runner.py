"""The network over the KV cache: prefill of one slot, one decode step of all running slots."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from inference.engine.kv_cache import DecodeStore, KVCache, PrefillStore
from inference.model.gpt import GPT


class Runner:
    """Owns the model and its cache. Call from one thread only."""

    def __init__(self, model: GPT, slots: int) -> None:
        self.model = model.eval()
        self.cache = KVCache(model.config, slots, next(model.parameters()).dtype)

    @torch.inference_mode()
    def prefill(self, slot: int, ids: Sequence[int]) -> Tensor:
        """Run a whole prompt into `slot`; returns the logits (1, V) after its last token."""
        tokens = torch.tensor([list(ids)])
        hidden = self.model(tokens, kv=PrefillStore(self.cache, slot, len(ids)))
        self.cache.lengths[slot] = len(ids)
        logits: Tensor = self.model.head(hidden[:, -1])
        return logits.float()

    @torch.inference_mode()
    def decode(self, last_ids: Sequence[int]) -> Tensor:
        """Run one token for each of the first `len(last_ids)` slots; returns logits (B, V)."""
        lengths = self.cache.lengths[: len(last_ids)]
        positions = torch.tensor(lengths)
        longest = max(lengths) + 1
        # True where a row's own tokens are, the new one included: the rest of a slot is stale.
        mask = torch.arange(longest) <= positions[:, None]
        store = DecodeStore(self.cache, positions, longest)
        hidden = self.model(
            torch.tensor(last_ids)[:, None], positions[:, None], mask[:, None, None], store
        )
        for slot in range(len(last_ids)):
            self.cache.lengths[slot] += 1
        logits: Tensor = self.model.head(hidden[:, 0])
        return logits.float()
