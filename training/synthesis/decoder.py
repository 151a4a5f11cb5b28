"""The teacher's forward pass over its own cache, one token for each row, on a CPU or a GPU.

Serving has its own, for the CPU alone (`inference.engine.network`). Shapes as in inference.model.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from inference.model.gpt import GPT


class Decoder:
    """Owns the keys and values of `rows` conversations: (layer, 2, row, H, T, D)."""

    def __init__(self, model: GPT, rows: int) -> None:
        config = model.config
        self.model = model.eval()
        self.lengths = [0] * rows
        self._data = torch.zeros(
            config.n_layer, 2, rows, config.n_head, config.context_length, config.head_size,
            dtype=next(model.parameters()).dtype,
        )  # fmt: skip

    @torch.inference_mode()
    def decode(self, last_ids: Sequence[int]) -> Tensor:
        """Run one token for each row; returns logits (B, V) in fp32."""
        positions = torch.tensor(self.lengths)
        longest = max(self.lengths) + 1
        # True where a row's own tokens are, the new one included: the rest of a row is stale.
        mask = torch.arange(longest) <= positions[:, None]
        store = _Store(self._data, positions, longest)
        tokens = torch.tensor(list(last_ids))[:, None]
        hidden = self.model(tokens, positions[:, None], mask[:, None, None], store)
        for row in range(len(last_ids)):
            self.lengths[row] += 1
        logits: Tensor = self.model.head(hidden[:, 0])
        return logits.float()


class _Store:
    """KVStore of one step: a new token for each row."""

    def __init__(self, data: Tensor, positions: Tensor, longest: int) -> None:
        self._data, self._positions, self._longest = data, positions, longest
        self._rows = torch.arange(len(positions))

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        rows = self._data[layer]
        rows[0][self._rows, :, self._positions] = k[:, :, 0]
        rows[1][self._rows, :, self._positions] = v[:, :, 0]
        return rows[0][:, :, : self._longest], rows[1][:, :, : self._longest]
