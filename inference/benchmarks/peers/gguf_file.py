"""A checkpoint as a GGUF file for llama.cpp, with Q8_0 matrices.

Needs the package `gguf`. Holds both families of `GPTConfig`: Llama's and GPT-2's. llama.cpp has no
place for a bias of the head in either; who compares must leave it out on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

from inference.model.config import GPTConfig

Array = NDArray[np.float32]
Tensors = dict[str, Array]

_NORM_EPS = 1e-5
NOT_HELD = ("head.bias",)


class NotHeld(ValueError):
    """A network that the other program has no form for."""


def write_gguf(
    config: GPTConfig, weights: Mapping[str, Array], path: Path, *, is_quantized: bool = True
) -> None:
    """Write the file; matrices as Q8_0 (or F32 to check the conversion itself), vectors as F32."""
    arch = architecture(config)
    writer = gguf.GGUFWriter(path, arch)
    writer.add_name("EuGPT")
    writer.add_context_length(config.context_length)
    writer.add_embedding_length(config.n_embd)
    writer.add_block_count(config.n_layer)
    writer.add_feed_forward_length(config.hidden_size)
    writer.add_head_count(config.n_head)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("none")  # it is given ids and gives ids
    if arch == "llama":
        writer.add_layer_norm_rms_eps(_NORM_EPS)
        writer.add_rope_dimension_count(config.head_size)
        writer.add_rope_freq_base(float(config.rope_theta))
    else:
        writer.add_layer_norm_eps(_NORM_EPS)
    q8 = gguf.GGMLQuantizationType.Q8_0
    for name, tensor in gguf_tensors(config, weights).items():
        # Positions are added, not multiplied: llama.cpp wants them in full.
        if is_quantized and tensor.ndim == 2 and name != "position_embd.weight":
            writer.add_tensor(name, gguf.quants.quantize(tensor, q8), raw_dtype=q8)
        else:
            writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def architecture(config: GPTConfig) -> str:
    """Give llama.cpp's name of the family; raises `NotHeld` for a mixture that it does not know."""
    family = (config.positions, config.norm, config.activation)
    names = {("rotary", "rms", "swiglu"): "llama", ("learned", "layer", "gelu"): "gpt2"}
    if family not in names:
        raise NotHeld(f"llama.cpp has no network with {', '.join(family)}")
    return names[family]


def gguf_tensors(config: GPTConfig, weights: Mapping[str, Array]) -> Tensors:
    """Name and arrange the weights as llama.cpp's loader expects them."""
    tensors = {
        "token_embd.weight": weights["tokens.weight"],
        "output.weight": weights["head.weight"],
    }
    if config.positions == "learned":
        tensors["position_embd.weight"] = weights["positions.weight"]
    tensors |= _all(weights, "ln_final", "output_norm")
    for layer in range(config.n_layer):
        for name, tensor in _block(config, weights, f"blocks.{layer}.").items():
            tensors[f"blk.{layer}.{name}"] = tensor
    return {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}


def _block(config: GPTConfig, weights: Mapping[str, Array], prefix: str) -> Tensors:
    tensors = {
        **_all(weights, prefix + "ln1", "attn_norm"),
        **_all(weights, prefix + "ln2", "ffn_norm"),
        **_all(weights, prefix + "attn.proj", "attn_output"),
        **_all(weights, prefix + "mlp.down", "ffn_down"),
    }
    for part in ("weight", "bias"):
        qkv = weights[f"{prefix}attn.qkv.{part}"]
        if config.positions == "rotary":
            q, k, v = np.split(qkv, 3)
            qkv = np.concatenate((to_pairs(q, config.n_head), to_pairs(k, config.n_head), v))
        tensors[f"attn_qkv.{part}"] = qkv
        up = weights[f"{prefix}mlp.up.{part}"]
        if config.activation == "swiglu":
            tensors[f"ffn_gate.{part}"], tensors[f"ffn_up.{part}"] = np.split(up, 2)
        else:
            tensors[f"ffn_up.{part}"] = up
    return tensors


def _all(weights: Mapping[str, Array], ours: str, theirs: str) -> Tensors:
    """Weight and, where there is one, bias under another name."""
    return {
        f"{theirs}.{part}": weights[f"{ours}.{part}"]
        for part in ("weight", "bias")
        if f"{ours}.{part}" in weights
    }


def to_pairs(rows: Array, heads: int) -> Array:
    """From our rotary halves of a head (2, D / 2) to GGUF's neighbouring pairs (D / 2, 2)."""
    halves = rows.reshape(heads, 2, -1, *rows.shape[1:])
    return halves.swapaxes(1, 2).reshape(rows.shape)
