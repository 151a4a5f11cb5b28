"""A GPT: a pre-norm decoder with an untied head, in GPT-2's form or in Llama's.

GPT-2's (Radford et al. 2019): learned positions, LayerNorm, GELU. Llama's (Touvron et al. 2023):
rotary positions (Su et al. 2021), RMSNorm, SwiGLU. `GPTConfig` chooses each by itself.

The file owns the forward pass. It must not know how tokens are chosen, where the weights come
from or who asks. Shapes: B rows, T tokens of a row in this call, C = n_embd, H = n_head,
D = C / H, V = vocab_size.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inference.model.config import GPTConfig


class KVStore(Protocol):
    """Where the keys and values of earlier tokens are kept while serving."""

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Keep k and v (B, H, T, D) of the new tokens; give all of the rows (B, H, T_all, D)."""
        ...


def rotary_table(config: GPTConfig) -> Tensor:
    """Give cosines and sines (2, context_length, D / 2) of the rotary angles."""
    half = config.head_size // 2
    # On the CPU even where a model is built on "meta": these are values, not weights to be loaded.
    steps = torch.arange(half, dtype=torch.float32, device="cpu")
    frequencies = config.rope_theta ** (-steps / half)
    angles = torch.arange(config.context_length, device="cpu")[:, None] * frequencies
    return torch.stack((angles.cos(), angles.sin()))


def rotate(x: Tensor, rotary: Tensor) -> Tensor:
    """Turn x (B, H, T, D) by the angles of its positions (2, B or 1, 1, T, D / 2)."""
    cos, sin = rotary[0].to(x.dtype), rotary[1].to(x.dtype)
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


def norm(config: GPTConfig) -> nn.Module:
    if config.norm == "rms":
        return nn.RMSNorm(config.n_embd, eps=1e-5)
    return nn.LayerNorm(config.n_embd)


class SelfAttention(nn.Module):
    """Causal multi-head attention over the row, or over a `KVStore` while serving."""

    def __init__(self, config: GPTConfig, layer: int, dropout: float) -> None:
        super().__init__()
        self.layer = layer
        self.n_head = config.n_head
        self.qkv = nn.Linear(config.n_embd, 3 * config.n_embd)
        self.proj = nn.Linear(config.n_embd, config.n_embd)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, rotary: Tensor | None, mask: Tensor | None, kv: KVStore | None
    ) -> Tensor:
        b, t, c = x.shape
        q, k, v = (
            part.view(b, t, self.n_head, c // self.n_head).transpose(1, 2)
            for part in self.qkv(x).split(c, dim=2)
        )
        if rotary is not None:
            q, k = rotate(q, rotary), rotate(k, rotary)
        if kv is not None:
            k, v = kv.extend(self.layer, k, v)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
        out: Tensor = self.dropout(self.proj(y.transpose(1, 2).reshape(b, t, c)))
        return out


class MLP(nn.Module):
    """Two layers; with SwiGLU (Shazeer 2020) `up` holds the gate's rows first."""

    def __init__(self, config: GPTConfig, dropout: float) -> None:
        super().__init__()
        self.activation = config.activation
        rows = 2 if config.activation == "swiglu" else 1
        self.up = nn.Linear(config.n_embd, rows * config.hidden_size)
        self.down = nn.Linear(config.hidden_size, config.n_embd)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.dropout(self.down(self._activate(self.up(x))))
        return out

    def _activate(self, hidden: Tensor) -> Tensor:
        if self.activation == "swiglu":
            gate, value = hidden.chunk(2, dim=-1)
            return F.silu(gate) * value
        return F.relu(hidden) if self.activation == "relu" else F.gelu(hidden, approximate="tanh")


class Block(nn.Module):
    def __init__(self, config: GPTConfig, layer: int, dropout: float) -> None:
        super().__init__()
        self.ln1 = norm(config)
        self.attn = SelfAttention(config, layer, dropout)
        self.ln2 = norm(config)
        self.mlp = MLP(config, dropout)

    def forward(
        self, x: Tensor, rotary: Tensor | None, mask: Tensor | None, kv: KVStore | None
    ) -> Tensor:
        x = x + self.attn(self.ln1(x), rotary, mask, kv)
        out: Tensor = x + self.mlp(self.ln2(x))
        return out


def embedding(count: int, width: int) -> nn.Embedding:
    """An embedding without start values: on "meta" they would cost the import of a compiler."""
    made: nn.Embedding = nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call]
        torch.empty(count, width), freeze=False
    )
    return made


class GPT(nn.Module):
    """The network. `forward` gives hidden states; `head` turns the wanted ones into logits.

    The two are apart because the head is a quarter of the work: training needs it only where
    the loss looks, serving only for the last token of a row.
    """

    def __init__(self, config: GPTConfig, dropout: float = 0.0) -> None:
        super().__init__()
        self.config = config
        self.tokens = embedding(config.vocab_size, config.n_embd)
        self.rotary: Tensor
        self.positions: nn.Embedding | None = None
        if config.positions == "learned":
            self.positions = embedding(config.context_length, config.n_embd)
        else:
            self.register_buffer("rotary", rotary_table(config), persistent=False)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(config, i, dropout) for i in range(config.n_layer))
        self.ln_final = norm(config)
        self.head = nn.Linear(config.n_embd, config.vocab_size)
        if not self.head.weight.is_meta:  # else the weights come from a file
            self._init_all_weights()

    def _init_all_weights(self) -> None:
        self.apply(self._init_weights)
        # GPT-2: residual projections start smaller, so that depth does not grow the variance.
        for name, parameter in self.blocks.named_parameters():
            if name.endswith(("proj.weight", "down.weight")):
                nn.init.normal_(parameter, std=0.02 / (2 * self.config.n_layer) ** 0.5)

    @staticmethod
    def _init_weights(module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)

    def forward(
        self,
        tokens: Tensor,
        positions: Tensor | None = None,
        mask: Tensor | None = None,
        kv: KVStore | None = None,
    ) -> Tensor:
        """Give the hidden states (B, T, C) of `tokens` (B, T).

        positions: (B, T) or (T,), by default 0 … T-1. mask: boolean, broadcastable to
        (B, H, T, T_all), True where a query may look; None means plain causal over the row.
        """
        if positions is None:
            positions = torch.arange(tokens.shape[1], device=tokens.device)
        x, rotary = self.tokens(tokens), None
        if self.positions is not None:
            x = x + self.positions(positions)
        else:
            angles = self.rotary[:, positions]  # (2, T, D / 2) or (2, B, T, D / 2)
            rotary = angles.unsqueeze(2) if positions.ndim == 2 else angles[:, None, None]
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x, rotary, mask, kv)
        out: Tensor = self.ln_final(x)
        return out

    def parameter_count(self) -> int:
        return sum(p.numel() for p in self.parameters())
