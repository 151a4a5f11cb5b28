"""The forward pass of serving: rows of tokens over the KV cache, in one precision.

Computes what `inference.model.GPT` does (a test compares them), from folded weights, with packed
matrix products and compiled kernels between them, and without memory of its own a step: torch
sees the same buffers as the kernels. Imports torch; knows token ids, slots and positions, no
request. One thread at a time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inference.engine import kernels
from inference.engine.config import Precision
from inference.engine.fold import FoldedGPT
from inference.engine.kv_cache import KVCache
from inference.engine.linear import Linear, pack
from inference.engine.types import Floats, Integers
from inference.model.config import GPTConfig

_KINDS = {"swiglu": kernels.SWIGLU, "gelu": kernels.GELU, "relu": kernels.RELU}

# A normed, turned row is close to 512 draws from a normal distribution: the largest seen in
# held-out text is 5.4 times its root mean square, the mean of the largest 3.1.
_NORMED_REACH = 6.0
_SCALED_REACH = 1.0  # rows that the kernels divide by their largest magnitude


@dataclass(frozen=True, slots=True)
class _Layer:
    qkv: Linear
    proj: Linear
    proj_bias: Floats
    up: Linear
    down: Linear
    down_bias: Floats


class _Buffers:
    """What flows between the parts of a step, kept from step to step."""

    def __init__(self, config: GPTConfig, rows: int) -> None:
        self.rows = rows
        self._stream, self._scales = (
            np.empty((rows, config.n_embd), np.float32),
            np.empty(rows, np.float32),
        )
        self._normed, self._mixed, self._hidden = (
            torch.empty(rows, width) for width in (config.n_embd, config.n_embd, config.hidden_size)
        )

    def of(self, n: int) -> tuple[Floats, Tensor, Tensor, Tensor, Floats]:
        """The first n rows: residual stream, its norm, attention's and the MLP's, row scales."""
        return (
            self._stream[:n], self._normed[:n], self._mixed[:n], self._hidden[:n],
            self._scales[:n],
        )  # fmt: skip


class Network:
    """Folded weights packed in one precision, and the buffers of a step."""

    def __init__(self, folded: FoldedGPT, precision: Precision = "fp32") -> None:
        config = folded.config
        self.config = config
        self.precision = precision
        self._tokens = folded.tokens.numpy()
        self._positions = None if folded.positions is None else folded.positions.numpy()
        self._angles = folded.angles.numpy()
        self._kind = _KINDS[config.activation]
        reach = min(_NORMED_REACH, math.sqrt(config.n_embd))
        self._head = pack(folded.head, precision, reach)
        self._layers = [
            _Layer(
                pack(layer.qkv, precision, reach),
                pack(layer.proj, precision, _SCALED_REACH, has_bias=False),
                layer.proj.bias.numpy(),
                pack(layer.up, precision, reach),
                pack(layer.down, precision, _SCALED_REACH, has_bias=False),
                layer.down.bias.numpy(),
            )
            for layer in folded.layers
        ]
        self._buffers = _Buffers(config, 0)

    @torch.inference_mode()
    def forward(
        self, tokens: Integers, slots: Integers, positions: Integers, cache: KVCache,
        wanted: Integers | None = None,
    ) -> Tensor:  # fmt: skip
        """Run rows of tokens (N) and give the logits (N, V), or those of the rows `wanted`.

        All earlier positions of each row's slot must be in the cache or among the rows.
        """
        n = len(tokens)
        if n > self._buffers.rows:
            self._buffers = _Buffers(self.config, 1 << (n - 1).bit_length())
        x, normed, mixed, hidden, scales = self._buffers.of(n)
        h, m, a = normed.numpy(), mixed.numpy(), hidden.numpy()
        np.take(self._tokens, tokens, axis=0, out=x)
        if self._positions is not None:
            x += self._positions[positions]
        kernels.norm(x, h)
        for layer, kv in zip(self._layers, cache.layers, strict=True):
            qkv = layer.qkv(normed).numpy()
            kernels.keep(qkv, self._angles, slots, positions, *kv, cache.is_exact)
            kernels.attend(qkv, slots, positions, *kv, m, scales)
            kernels.add_norm(x, layer.proj(mixed).numpy(), scales, layer.proj_bias, h)
            kernels.activate(layer.up(normed).numpy(), self._kind, a, scales)
            kernels.add_norm(x, layer.down(hidden).numpy(), scales, layer.down_bias, h)
        if wanted is not None:
            if not len(wanted):
                return torch.empty(0, self.config.vocab_size)
            normed = normed[torch.from_numpy(wanted)]
        return self._head(normed)
