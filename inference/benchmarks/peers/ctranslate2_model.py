"""A checkpoint as a CTranslate2 model. Needs ctranslate2, not torch.

Holds both families of `GPTConfig` with every bias. Tokens are named by their ids: CTranslate2
takes and gives tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import Activation, TransformerDecoderModelSpec
from numpy.typing import NDArray

from inference.model.config import GPTConfig

_NORM_EPS = 1e-5
_ACTIVATIONS = {
    "swiglu": Activation.SWISH,
    "gelu": Activation.GELUTanh,
    "relu": Activation.RELU,
}

Weights = Mapping[str, NDArray[np.float32]]


def write_ctranslate2(
    config: GPTConfig, weights: Weights, end_id: int, folder: Path, quantization: str | None
) -> None:
    """Write the model folder; `quantization` is "int8", or None to keep fp32."""
    spec = _make_spec(config)
    decoder = spec.decoder
    decoder.scale_embeddings = False
    decoder.embeddings.weight = weights["tokens.weight"]
    if config.positions == "learned":
        decoder.position_encodings.encodings = weights["positions.weight"]
    _set_norm(decoder.layer_norm, weights, "ln_final")
    _set_linear(decoder.projection, weights, "head")
    for i, layer in enumerate(decoder.layer):
        _set_block(layer, weights, f"blocks.{i}.", is_gated=config.activation == "swiglu")
    spec.register_vocabulary([str(i) for i in range(config.vocab_size)])
    spec.config.eos_token = spec.config.bos_token = spec.config.unk_token = str(end_id)
    spec.config.layer_norm_epsilon = _NORM_EPS
    spec.validate()
    spec.optimize(quantization=quantization)
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))


def _make_spec(config: GPTConfig) -> Any:
    return TransformerDecoderModelSpec.from_config(
        config.n_layer,
        config.n_head,
        pre_norm=True,
        activation=_ACTIVATIONS[config.activation],
        ffn_glu=config.activation == "swiglu",
        rms_norm=config.norm == "rms",
        rotary_dim=0 if config.positions == "rotary" else None,  # 0: the whole head
        rotary_interleave=False,
        rotary_base=config.rope_theta,
    )


def _set_block(layer: Any, weights: Weights, prefix: str, *, is_gated: bool) -> None:
    attention, mlp = layer.self_attention, layer.ffn
    _set_norm(attention.layer_norm, weights, prefix + "ln1")
    _set_norm(mlp.layer_norm, weights, prefix + "ln2")
    _set_linear(attention.linear[0], weights, prefix + "attn.qkv")
    _set_linear(attention.linear[1], weights, prefix + "attn.proj")
    _set_linear(mlp.linear_1, weights, prefix + "mlp.down")
    if not is_gated:
        _set_linear(mlp.linear_0, weights, prefix + "mlp.up")
        return
    for part in ("weight", "bias"):
        gate, up = np.split(weights[f"{prefix}mlp.up.{part}"], 2)
        setattr(mlp.linear_0, part, gate)
        setattr(mlp.linear_0_noact, part, up)


def _set_norm(spec: Any, weights: Weights, name: str) -> None:
    spec.gamma = weights[f"{name}.weight"]
    if f"{name}.bias" in weights:
        spec.beta = weights[f"{name}.bias"]


def _set_linear(spec: Any, weights: Weights, name: str) -> None:
    spec.weight, spec.bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
