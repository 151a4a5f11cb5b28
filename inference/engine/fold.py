"""The network's weights, rearranged for serving; the function they compute stays the same.

Three exact rewritings. Norm weights move into the matrices that read the normed stream. LayerNorm
becomes RMSNorm: whatever writes to the stream writes with mean zero (Ashkboos et al. 2024,
SliceGPT). And the stream is turned by a Hadamard matrix, as are the values of each head (Ashkboos
et al. 2024, QuaRot): a few channels of the trained stream are 15 times the others, which int8
with one scale a row cannot hold (held-out loss +0.022 nats a token); turned, none stands out
(+0.005; as served, keys and values in int8 too, +0.009). Imports torch; knows no precision and no
request.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from inference.model.config import GPTConfig
from inference.model.gpt import GPT, Block


class Affine(NamedTuple):
    """A linear layer: weight (out, in), bias (out)."""

    weight: Tensor
    bias: Tensor


@dataclass(frozen=True, slots=True)
class FoldedLayer:
    qkv: Affine
    proj: Affine
    up: Affine
    down: Affine


@dataclass(frozen=True, slots=True)
class FoldedGPT:
    """tokens (V, C); positions (T, C) or None; angles (2, T, D / 2), of zero without rotary.

    Every norm is x / sqrt(mean(x²) + 1e-5), without a weight.
    """

    config: GPTConfig
    tokens: Tensor
    positions: Tensor | None
    angles: Tensor
    layers: list[FoldedLayer]
    head: Affine


@torch.inference_mode()
def fold(model: GPT) -> FoldedGPT:
    """Give the folded fp32 weights of `model`, which stays as it is."""
    config = model.config
    turn = hadamard(config.n_embd)
    is_centred = config.norm == "layer"
    positions = None
    angles = torch.zeros(2, config.context_length, max(1, config.head_size // 2))
    angles[0] = 1
    if model.positions is not None:
        positions = _embedding(model.positions.weight, turn, is_centred)
    else:
        angles = model.rotary.float().contiguous()
    return FoldedGPT(
        config,
        _embedding(model.tokens.weight, turn, is_centred),
        positions,
        angles,
        [_layer(block, turn, is_centred) for block in model.blocks],  # type: ignore[arg-type]
        _reader(model.head, model.ln_final, turn),
    )


def hadamard(size: int) -> Tensor:
    """Give an orthogonal (size, size) matrix that spreads any few channels over all.

    Sylvester's Hadamard matrix with fixed random signs; where `size` is no power of two, that of
    its largest such factor, for each part, mixed by a random orthogonal matrix.
    """
    generator = torch.Generator().manual_seed(0)
    power = size & -size
    matrix = torch.ones(1, 1)
    while matrix.shape[0] < power:
        matrix = torch.cat((torch.cat((matrix, matrix), 1), torch.cat((matrix, -matrix), 1)))
    matrix /= math.sqrt(power)
    if rest := size // power - 1:
        mix = torch.linalg.qr(torch.randn(rest + 1, rest + 1, generator=generator)).Q.contiguous()
        matrix = torch.kron(mix, matrix)
    signs = torch.randint(0, 2, (size, 1), generator=generator) * 2 - 1
    return matrix * signs


def _embedding(weight: Tensor, turn: Tensor, is_centred: bool) -> Tensor:
    weight = weight.float()
    return (_centred(weight, 1) if is_centred else weight) @ turn


def _centred(weight: Tensor, dim: int) -> Tensor:
    return weight - weight.mean(dim, keepdim=True)


def _reader(linear: nn.Linear, norm: nn.Module, turn: Tensor) -> Affine:
    """A layer that reads the normed stream: takes over the norm's weight and bias, and turns."""
    weight, bias, scales = linear.weight.float(), linear.bias.float(), dict(norm.named_parameters())
    if "bias" in scales:
        bias = bias + weight @ scales["bias"].float()
    return Affine((weight * scales["weight"].float()) @ turn, bias)


def _writer(linear: nn.Linear, turn: Tensor, is_centred: bool) -> Affine:
    """A layer that adds to the stream: writes it turned."""
    weight, bias = linear.weight.float(), linear.bias.float()
    if is_centred:
        weight, bias = _centred(weight, 0), bias - bias.mean()
    return Affine(turn.T @ weight, turn.T @ bias)


def _layer(block: Block, turn: Tensor, is_centred: bool) -> FoldedLayer:
    qkv = _reader(block.attn.qkv, block.ln1, turn)
    proj = _writer(block.attn.proj, turn, is_centred)
    heads = block.attn.n_head
    width = proj.weight.shape[0]
    head_turn = hadamard(width // heads)
    # Values are only ever averaged, then read by proj: turning both cancels.
    rows, shift = qkv.weight[2 * width :].view(heads, -1, width), qkv.bias[2 * width :]
    values = (head_turn.T @ rows).reshape(width, width)
    shifts = (shift.view(heads, -1) @ head_turn).reshape(width)
    columns = (proj.weight.view(width, heads, -1) @ head_turn).reshape(width, width)
    return FoldedLayer(
        Affine(
            torch.cat((qkv.weight[: 2 * width], values)), torch.cat((qkv.bias[: 2 * width], shifts))
        ),
        Affine(columns, proj.bias),
        _reader(block.mlp.up, block.ln2, turn),
        _writer(block.mlp.down, turn, is_centred),
    )
