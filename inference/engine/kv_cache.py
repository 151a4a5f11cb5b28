"""Keys and values of the running requests: one slot of the full context length each."""

from __future__ import annotations

import torch
from torch import Tensor

from inference.model.config import GPTConfig


class KVCache:
    """Memory for `slots` rows. Shape (layer, 2, slot, H, T, D); 2 = keys, values."""

    def __init__(self, config: GPTConfig, slots: int, dtype: torch.dtype) -> None:
        self.data = torch.zeros(
            config.n_layer, 2, slots, config.n_head, config.context_length, config.head_size,
            dtype=dtype,
        )  # fmt: skip
        self.lengths = [0] * slots

    def move(self, source: int, target: int) -> None:
        """Move the KV of one slot to another."""
        n = self.lengths[source]
        self.data[:, :, target, :, :n] = self.data[:, :, source, :, :n]
        self.lengths[target] = n
        self.lengths[source] = 0


class PrefillStore:
    """KVStore of a prefill: writes the whole prompt of one slot."""

    def __init__(self, cache: KVCache, slot: int, count: int) -> None:
        self._data, self._slot, self._count = cache.data, slot, count

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        row = self._data[layer, :, self._slot, :, : self._count]
        row[0], row[1] = k[0], v[0]
        return k, v


class DecodeStore:
    """KVStore of a decode step: one new token for each of the first `len(positions)` slots."""

    def __init__(self, cache: KVCache, positions: Tensor, longest: int) -> None:
        self._data, self._positions, self._longest = cache.data, positions, longest
        self._rows = torch.arange(len(positions))

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        rows = self._data[layer, :, : len(self._rows)]
        rows[0][self._rows, :, self._positions] = k[:, :, 0]
        rows[1][self._rows, :, self._positions] = v[:, :, 0]
        return rows[0][:, :, : self._longest], rows[1][:, :, : self._longest]
