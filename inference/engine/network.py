"""The forward pass of serving: rows of tokens over the KV cache, in one precision.

Computes what `inference.model.GPT` does (a test compares them), from folded weights, with packed
matrix products and compiled kernels between them, and without memory of its own a step: torch
sees the same buffers as the kernels. Imports torch; knows token ids, slots and positions, no
request. One thread at a time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from inference.engine import kernels
from inference.engine.config import Precision
from inference.engine.fold import FoldedGPT
from inference.engine.kv_cache import KVCache, LayerKV
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


class _Rows(NamedTuple):
    """N rows of the buffers: the residual stream, its norm, what attention and the MLP's first
    half give, and what their rows were divided by.
    """

    stream: Floats  # (N, C)
    normed: Tensor  # (N, C)
    mixed: Tensor  # (N, C)
    hidden: Tensor  # (N, F)
    scales: Floats  # (N)


class _Buffers:
    """What flows between the parts of a step, kept from step to step."""

    def __init__(self, config: GPTConfig, rows: int) -> None:
        self.rows = rows
        self._all = _Rows(
            np.empty((rows, config.n_embd), np.float32),
            torch.empty(rows, config.n_embd),
            torch.empty(rows, config.n_embd),
            torch.empty(rows, config.hidden_size),
            np.empty(rows, np.float32),
        )

    def of(self, n: int) -> _Rows:
        stream, normed, mixed, hidden, scales = self._all
        return _Rows(stream[:n], normed[:n], mixed[:n], hidden[:n], scales[:n])


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
        self,
        tokens: Integers,
        slots: Integers,
        positions: Integers,
        cache: KVCache,
        wanted: Integers | None = None,
    ) -> Tensor:
        """Run rows of tokens (N) and give the logits (N, V), or those of the rows `wanted`.

        All earlier positions of each row's slot must be in the cache or among the rows.
        """
        if len(tokens) > self._buffers.rows:
            self._buffers = _Buffers(self.config, 1 << (len(tokens) - 1).bit_length())
        buffers = self._buffers.of(len(tokens))
        x = buffers.stream
        np.take(self._tokens, tokens, axis=0, out=x, mode="clip")  # unbuffered; ids are checked
        if self._positions is not None:
            x += self._positions[positions]
        kernels.norm(x, buffers.normed.numpy())
        for layer, kv in zip(self._layers, cache.layers, strict=True):
            qkv = layer.qkv(buffers.normed).numpy()
            kernels.store(qkv, self._angles, slots, positions, *kv, cache.is_exact)
            if wanted is not None and layer is self._layers[-1]:
                # Of the others the cache has all it needs: a sixth of a prefill is saved.
                if not len(wanted):
                    return torch.empty(0, self.config.vocab_size)
                x, qkv = x[wanted], qkv[wanted]
                slots, positions = slots[wanted], positions[wanted]
                buffers = self._buffers.of(len(wanted))
            self._finish_layer(layer, x, qkv, slots, positions, kv, buffers)
        return self._head(buffers.normed)

    def _finish_layer(
        self, layer: _Layer, x: Floats, qkv: Floats, slots: Integers, positions: Integers,
        kv: LayerKV, buffers: _Rows,
    ) -> None:  # fmt: skip
        """Attention and MLP on the residual stream x, whose norm is left in the buffers."""
        normed, mixed, hidden, scales = (
            buffers.normed.numpy(), buffers.mixed, buffers.hidden, buffers.scales
        )  # fmt: skip
        kernels.attend(qkv, slots, positions, *kv, mixed.numpy(), scales)
        kernels.add_norm(x, layer.proj(mixed).numpy(), scales, layer.proj_bias, normed)
        up = layer.up(buffers.normed).numpy()
        kernels.activate(up, self._kind, hidden.numpy(), scales)
        kernels.add_norm(x, layer.down(hidden).numpy(), scales, layer.down_bias, normed)
