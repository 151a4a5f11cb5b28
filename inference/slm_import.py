"""Importing a checkpoint of SLM, the public ancestor of this project, into our own format.

Owns the ancestor's file layout and the algebra that folds its attention into ours. Reads the only
pickle of the project, tensors and numbers alone (`weights_only`), and only when a person at the
command line asks for it; serving never does. Imports torch: no web process may import this file.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inference import checkpoint_io
from inference.checkpoint_io import CheckpointError
from inference.model.config import ConfigError, GPTConfig
from inference.model.gpt import GPT
from inference.tokenizer import SLM, Tokenizer, TokenizerError

WEIGHTS, TOKENIZER = "checkpoint.pth", "tokenizer/tokenizer.json"
_STATE = "model_state_dict"
_SIZES = ("n_embed", "n_layers", "n_head", "block_size")
_KEYS = {_STATE, *_SIZES, "dropout"}

_CARD = """# {name}

Imported from a checkpoint of SLM, the public ancestor of EuGPT: {parameters:,} parameters,
{n_layer} layers, {n_head} heads, width {n_embd}, {vocab_size:,} ids, a context of {context_length}
tokens.

The weights are the ancestor's in fp32, folded into EuGPT's network (docs/importing-slm.md); the
logits agree to 1e-4. It is served with the template that it was trained with,
`<|user|> text\\n<|assistant|> text <|eos|>`.

What it was trained on, and under which licence it may be used, is for its source to say: the
import cannot know. The ancestor's usual data set, TinyChat, has a non-commercial licence.
"""


def import_slm(folder: Path, out: Path) -> checkpoint_io.Checkpoint:
    """Write the checkpoint folder `out` from the ancestor's `folder`; raises `CheckpointError`.

    `out` must not exist yet, and does not afterwards if anything in `folder` is refused.
    """
    if out.exists():
        raise CheckpointError("exists", f"{out} exists already; choose another name")
    for name in (WEIGHTS, TOKENIZER):
        if not (folder / name).is_file():
            raise CheckpointError("missing_file", f"{folder}: {name} is missing")
    tokenizer = _read_tokenizer(folder / TOKENIZER)
    config, state = _read(folder / WEIGHTS)
    if tokenizer.vocab_size != config.vocab_size:
        detail = f"{TOKENIZER} has {tokenizer.vocab_size} ids, {WEIGHTS} {config.vocab_size}"
        raise CheckpointError("wrong_shape", detail)
    with torch.device("meta"):
        model = GPT(config)
    model.load_state_dict(fold(state, config), assign=True)
    card = _CARD.format(name=out.name, parameters=model.parameter_count(), **config.to_dict())
    source = {name: checkpoint_io._sha256(folder / name) for name in (WEIGHTS, TOKENIZER)}
    training = {"imported_from": "slm", "sha256": source}
    return checkpoint_io.write(out, model, folder / TOKENIZER, card, training, dtype="float32")


def fold(state: Mapping[str, Tensor], config: GPTConfig) -> dict[str, Tensor]:
    """Give our state dict, in fp32, for the ancestor's checked one.

    The ancestor multiplies scores by C^-1/2, we by D^-1/2: the difference, H^-1/2, goes into the
    queries. It applies the output projection twice: W(Wx + b) + b = (WW)x + (Wb + b).
    """
    folded = {
        "tokens.weight": state["token_embedding_table.weight"],
        "positions.weight": state["position_embedding_table.weight"],
    }
    for part in ("weight", "bias"):
        folded[f"ln_final.{part}"] = state[f"ln_final.{part}"]
        folded[f"head.{part}"] = state[f"lm_head.{part}"]
    for i in range(config.n_layer):
        block = f"blocks.{i}."
        folded |= {block + n: t for n, t in _fold_attention(state, i, config).items()}
        for part in ("weight", "bias"):
            folded[f"{block}mlp.up.{part}"] = state[f"{block}ffwd.net.0.{part}"]
            folded[f"{block}mlp.down.{part}"] = state[f"{block}ffwd.net.2.{part}"]
            folded[f"{block}ln1.{part}"] = state[f"{block}ln1.{part}"]
            folded[f"{block}ln2.{part}"] = state[f"{block}ln2.{part}"]
    # Copies: tensors of a file may share memory, which safetensors does not write.
    return {
        name: tensor.to(torch.float32, copy=True, memory_format=torch.contiguous_format)
        for name, tensor in folded.items()
    }


def _fold_attention(
    state: Mapping[str, Tensor], layer: int, config: GPTConfig
) -> dict[str, Tensor]:
    sa = f"blocks.{layer}.sa."
    q, k, v = (
        torch.cat([state[f"{sa}heads.{head}.{part}.weight"] for head in range(config.n_head)])
        for part in ("query", "key", "value")
    )
    # In fp64, so that a folded weight is rounded once.
    w, b = state[f"{sa}proj.weight"].double(), state[f"{sa}proj.bias"].double()
    return {
        "attn.qkv.weight": torch.cat([q.double() * config.n_head**-0.5, k.double(), v.double()]),
        "attn.qkv.bias": torch.zeros(3 * config.n_embd),
        "attn.proj.weight": w @ w,
        "attn.proj.bias": w @ b + b,
    }


def slm_shapes(config: GPTConfig) -> dict[str, list[int]]:
    """Names and shapes of the ancestor's weights; the causal masks (`tril`) are not among them."""
    c, d, v = config.n_embd, config.head_size, config.vocab_size
    shapes = {
        "token_embedding_table.weight": [v, c],
        "position_embedding_table.weight": [config.context_length, c],
        "ln_final.weight": [c],
        "ln_final.bias": [c],
        "lm_head.weight": [v, c],
        "lm_head.bias": [v],
    }
    for i in range(config.n_layer):
        block = f"blocks.{i}."
        for head in range(config.n_head):
            for part in ("key", "query", "value"):
                shapes[f"{block}sa.heads.{head}.{part}.weight"] = [d, c]
        for name, rows, columns in (
            ("sa.proj", c, c), ("ffwd.net.0", 4 * c, c), ("ffwd.net.2", c, 4 * c),
        ):  # fmt: skip
            shapes[f"{block}{name}.weight"] = [rows, columns]
            shapes[f"{block}{name}.bias"] = [rows]
        for norm in ("ln1", "ln2"):
            shapes[f"{block}{norm}.weight"] = [c]
            shapes[f"{block}{norm}.bias"] = [c]
    return shapes


def _read_tokenizer(path: Path) -> Tokenizer:
    """Read the ancestor's tokenizer; raises `CheckpointError` unless it has its special tokens."""
    try:
        tokenizer = Tokenizer.from_file(path)
    except TokenizerError as error:
        raise CheckpointError("bad_tokenizer", str(error)) from error
    if tokenizer.template != SLM:
        raise CheckpointError("bad_tokenizer", f"{TOKENIZER} lacks {SLM.end} or has another end")
    return tokenizer


def _read(path: Path) -> tuple[GPTConfig, dict[str, Tensor]]:
    """Read and check `checkpoint.pth`: sizes as our config, and all weights but the masks."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        detail = f"{path.name} holds more than tensors and numbers, or is damaged"
        raise CheckpointError("pickle_refused", detail) from error
    except Exception as error:  # a damaged archive fails in many ways
        raise CheckpointError("bad_weights", f"{path.name} cannot be read: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get(_STATE), dict):
        raise CheckpointError("bad_weights", f"{path.name} is no dict with a {_STATE}")
    _refuse_difference("bad_config", path.name, content.keys(), _KEYS)
    state = content[_STATE]
    config = _config(content, state)
    _check_state(state, config)
    return config, {name: state[name] for name in slm_shapes(config)}


def _config(content: dict[str, Any], state: dict[str, Any]) -> GPTConfig:
    dropout = content["dropout"]  # of no use here, but it must be what it is called
    if type(dropout) not in (int, float) or not 0 <= dropout < 1:
        raise CheckpointError("bad_config", f"dropout must be from 0 to 1, not {dropout!r}")
    embedding = state.get("token_embedding_table.weight")
    if not isinstance(embedding, Tensor) or embedding.dim() != 2:
        raise CheckpointError("wrong_shape", "token_embedding_table.weight must be a matrix")
    width, layers, heads, context = (content[name] for name in _SIZES)
    try:
        return GPTConfig(
            vocab_size=embedding.shape[0], context_length=context, n_layer=layers,
            n_head=heads, n_embd=width, activation="relu",
        )  # fmt: skip
    except ConfigError as error:
        raise CheckpointError("bad_config", f"{WEIGHTS}: {error}") from error


def _check_state(state: dict[str, Any], config: GPTConfig) -> None:
    """Raise `CheckpointError` for a tensor too many, too few, or not of the expected kind."""
    shapes = slm_shapes(config)
    masks = {
        f"blocks.{i}.sa.heads.{head}.tril"
        for i in range(config.n_layer)
        for head in range(config.n_head)
    }
    # The masks carry nothing that was learned: they may be missing, but not say anything else.
    _refuse_difference("wrong_shape", _STATE, state.keys() - masks, shapes.keys())
    for name, tensor in state.items():
        expected = shapes.get(name, [config.context_length] * 2)
        if not isinstance(tensor, Tensor) or not _is_plain(tensor):
            raise CheckpointError("bad_weights", f"{name} is not a plain tensor")
        if list(tensor.shape) != expected:
            detail = f"{name} is {list(tensor.shape)}, expected {expected}"
            raise CheckpointError("wrong_shape", detail)
        if name in masks:
            if not torch.equal(tensor, torch.ones_like(tensor).tril()):
                raise CheckpointError("bad_weights", f"{name} is not the causal mask")
        elif not tensor.is_floating_point() or not tensor.isfinite().all():
            raise CheckpointError("bad_weights", f"{name} holds what is not a finite number")


def _refuse_difference(code: str, where: str, found: Any, expected: Any) -> None:
    unknown, missing = sorted(map(str, found - expected)), sorted(expected - found)
    if unknown or missing:
        parts = [f"unknown {', '.join(unknown[:5])}"] if unknown else []
        parts += [f"missing {', '.join(missing[:5])}"] if missing else []
        raise CheckpointError(code, f"{where}: {'; '.join(parts)}")


def _is_plain(tensor: Tensor) -> bool:
    return tensor.layout == torch.strided and tensor.device.type == "cpu"
