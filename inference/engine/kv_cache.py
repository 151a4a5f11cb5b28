"""Memory for the keys and values of all slots. Which slot is whose is `slots`' business."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from inference.engine.types import Floats, Stored
from inference.model.config import GPTConfig

# Keys, their scales, values, their scales.
LayerKV: TypeAlias = tuple[Stored, Floats, Stored, Floats]


class KVCache:
    """Keys and values of `slots` contexts: int8 with a scale for each head and token, or fp32.

    `layers` holds (keys, key scales, values, value scales) for each layer: (slot, H, T, D) and
    (slot, H, T). Memory is touched, and so taken, only where something was written.
    """

    def __init__(self, config: GPTConfig, slots: int, *, is_exact: bool) -> None:
        self.is_exact = is_exact
        shape = (slots, config.n_head, config.context_length)
        dtype = np.float32 if is_exact else np.int8
        self.layers: list[LayerKV] = [
            (
                np.zeros((*shape, config.head_size), dtype), np.zeros(shape, np.float32),
                np.zeros((*shape, config.head_size), dtype), np.zeros(shape, np.float32),
            )
            for _ in range(config.n_layer)
        ]  # fmt: skip

    def copy(self, source: int, target: int, count: int) -> None:
        """Copy the first `count` tokens of one slot to another."""
        for layer in self.layers:
            for array in layer:
                array[target, :, :count] = array[source, :, :count]
