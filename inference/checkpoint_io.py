"""A released checkpoint on disk: reading, checking and writing its folder.

`config.json, model.safetensors, tokenizer.json, manifest.json` (and a model card). Checking
needs no torch. Weights are only ever read from `model.safetensors`, by the safetensors library;
files that may hold pickles are refused by name, and other files are not looked at.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from safetensors import SafetensorError, deserialize

from inference.checkpoint_files import (
    HEADER_MAX_BYTES,
    JSON_MAX_BYTES,
    TOKENIZER_MAX_BYTES,
    CheckpointError,
    check_header,
    parse_json,
    read_file,
    sha256_of,
)
from inference.model.config import ConfigError, GPTConfig
from inference.tokenizer import Tokenizer, TokenizerError

if TYPE_CHECKING:
    from inference.model.gpt import GPT

__all__ = [
    "CARD",
    "CONFIG",
    "MANIFEST",
    "NAME",
    "TOKENIZER",
    "WEIGHTS",
    "Checkpoint",
    "CheckpointError",
    "Format",
    "expected_shapes",
    "load_model",
    "read_format",
    "verify",
    "write",
]

WEIGHTS, CONFIG, TOKENIZER, MANIFEST = (
    "model.safetensors", "config.json", "tokenizer.json", "manifest.json",
)  # fmt: skip
CARD = "README.md"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_FILES = (CONFIG, WEIGHTS, TOKENIZER)
_PICKLES = {".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt", ".joblib"}
_FORMAT = 1
_DTYPES = {"bfloat16": "BF16", "float16": "F16", "float32": "F32"}


@dataclass(frozen=True, slots=True)
class Format:
    """What a checkpoint is, but for its weights; all of it was checked against the manifest."""

    folder: Path
    name: str
    config: GPTConfig
    manifest: dict[str, Any]
    sha256: str  # of manifest.json, and through it of every file
    _tokenizer: Tokenizer

    def tokenizer(self) -> Tokenizer:
        return self._tokenizer


class Checkpoint(Format):
    """A folder whose weights were checked, too."""

    __slots__ = ()


def read_format(folder: Path) -> Format:
    """Check everything but the weights, without torch; raises `CheckpointError`."""
    if not folder.is_dir():
        raise CheckpointError("not_found", f"no checkpoint folder at {folder}")
    raw = read_file(folder / MANIFEST, JSON_MAX_BYTES)
    manifest = parse_json(raw, MANIFEST, "bad_manifest")
    _check_manifest(manifest)
    config_json = _read_listed(folder, CONFIG, manifest, JSON_MAX_BYTES)
    tokenizer_json = _read_listed(folder, TOKENIZER, manifest, TOKENIZER_MAX_BYTES)
    try:
        config = GPTConfig.from_dict(parse_json(config_json, CONFIG, "bad_config"))
        tokenizer = Tokenizer.from_bytes(tokenizer_json)
    except ConfigError as error:
        raise CheckpointError("bad_config", f"{CONFIG}: {error}") from error
    except TokenizerError as error:
        raise CheckpointError("bad_tokenizer", f"{TOKENIZER}: {error}") from error
    if tokenizer.vocab_size != config.vocab_size:
        detail = f"{TOKENIZER} has {tokenizer.vocab_size} ids, {CONFIG} says {config.vocab_size}"
        raise CheckpointError("wrong_shape", detail)
    parameters = _parameters(config)
    if manifest.get("parameters") != parameters:
        detail = f"{MANIFEST} says {manifest.get('parameters')} parameters, they are {parameters}"
        raise CheckpointError("bad_manifest", detail)
    return Format(folder, manifest["name"], config, manifest, sha256_of(raw), tokenizer)


def verify(folder: Path) -> Checkpoint:
    """Check a folder from end to end without torch; raises `CheckpointError`."""
    _refuse_pickles(folder)
    form = read_format(folder)
    _read_weights(form)
    return Checkpoint(
        form.folder, form.name, form.config, form.manifest, form.sha256, form.tokenizer()
    )


def load_model(checkpoint: Format) -> GPT:
    """Build the network in fp32 with the checkpoint's weights. Imports torch.

    The weights are checked as they are loaded: those on the disk may be others by now.
    """
    import torch
    from safetensors.torch import load

    from inference.model.gpt import GPT

    with torch.device("meta"):  # no random start values that are thrown away at once
        model = GPT(checkpoint.config)
    weights = {name: tensor.float() for name, tensor in load(_read_weights(checkpoint)).items()}
    for name, tensor in weights.items():
        if not tensor.isfinite().all():
            raise CheckpointError("bad_weights", f"{name} holds what is not a finite number")
    model.load_state_dict(weights, assign=True)
    return model.eval()


def write(
    folder: Path,
    model: GPT,
    tokenizer_file: Path,
    card: str,
    training: dict[str, Any],
    dtype: Literal["bfloat16", "float32"] = "bfloat16",
) -> Checkpoint:
    """Write a checkpoint, aside first and the manifest last, and verify it.

    An existing folder is replaced only when the new one is complete.
    """
    import torch
    from safetensors.torch import save_file

    aside = folder.with_name(folder.name + ".new")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    weights = {k: v.to(getattr(torch, dtype)).contiguous() for k, v in model.state_dict().items()}
    save_file(weights, aside / WEIGHTS)
    (aside / WEIGHTS).chmod(0o644)
    _write_json(aside / CONFIG, model.config.to_dict())
    shutil.copyfile(tokenizer_file, aside / TOKENIZER)
    (aside / CARD).write_text(card, encoding="utf-8")
    manifest = {
        "format": _FORMAT,
        "name": folder.name,
        "files": {name: _sha256(aside / name) for name in _FILES},
        "parameters": model.parameter_count(),
        "dtype": dtype,
        "training": training,
    }
    _write_json(aside / MANIFEST, manifest)
    verify(aside)
    _sync(aside)
    old = folder.with_name(folder.name + ".old")
    if folder.exists():
        folder.replace(old)
    aside.replace(folder)
    _sync(folder.parent, with_files=False)
    shutil.rmtree(old, ignore_errors=True)
    return verify(folder)


def expected_shapes(config: GPTConfig) -> dict[str, list[int]]:
    """Names and shapes of all tensors of a GPT (the keys of its state dict)."""
    c, v = config.n_embd, config.vocab_size
    up = config.hidden_size * (2 if config.activation == "swiglu" else 1)
    linears = {
        "attn.qkv": (3 * c, c),
        "attn.proj": (c, c),
        "mlp.up": (up, c),
        "mlp.down": (c, config.hidden_size),
    }
    shapes = {"tokens.weight": [v, c], "head.weight": [v, c], "head.bias": [v]}
    if config.positions == "learned":
        shapes["positions.weight"] = [config.context_length, c]
    norms = ["ln_final"]
    for i in range(config.n_layer):
        norms += [f"blocks.{i}.ln1", f"blocks.{i}.ln2"]
        for part, (rows, columns) in linears.items():
            shapes[f"blocks.{i}.{part}.weight"] = [rows, columns]
            shapes[f"blocks.{i}.{part}.bias"] = [rows]
    for norm in norms:
        shapes[f"{norm}.weight"] = [c]
        if config.norm == "layer":
            shapes[f"{norm}.bias"] = [c]
    return shapes


def _refuse_pickles(path: Path) -> None:
    found = [path] if path.is_file() else list(path.glob("*")) if path.is_dir() else []
    for file in found:
        if file.suffix.lower() in _PICKLES:
            detail = f"{file.name} may hold a pickle, which can run code; only safetensors is read"
            raise CheckpointError("pickle_refused", detail)


def _check_manifest(manifest: dict[str, Any]) -> None:
    name, files = manifest.get("name"), manifest.get("files")
    if not isinstance(name, str) or not NAME.fullmatch(name) or not isinstance(files, dict):
        raise CheckpointError("bad_manifest", f"{MANIFEST} needs a name and the files' hashes")
    if manifest.get("format") != _FORMAT:
        raise CheckpointError("bad_manifest", f"{MANIFEST}: format {_FORMAT} is expected")
    dtype = manifest.get("dtype")
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise CheckpointError("bad_manifest", f"{MANIFEST}: dtype is one of {', '.join(_DTYPES)}")
    if not isinstance(manifest.get("training", {}), dict):
        raise CheckpointError("bad_manifest", f"{MANIFEST}: training must be an object")


def _read_listed(folder: Path, name: str, manifest: dict[str, Any], max_bytes: int) -> bytes:
    """A file, if it is the one of the manifest."""
    data = read_file(folder / name, max_bytes)
    if manifest["files"].get(name) != sha256_of(data):
        raise CheckpointError("wrong_hash", f"{name} is not the file of the manifest")
    return data


def _read_weights(form: Format) -> bytes:
    """The bytes of the weights, checked: hash, names, shapes, dtype."""
    max_bytes = 4 * _parameters(form.config) + HEADER_MAX_BYTES
    data = _read_listed(form.folder, WEIGHTS, form.manifest, max_bytes)
    check_header(data, WEIGHTS)
    try:
        # It checks that the tensors fill the file without gap or overlap.
        parsed = deserialize(data)  # type: ignore[no-untyped-call]
        found = {name: (about["shape"], about["dtype"]) for name, about in parsed}
    except (SafetensorError, OSError) as error:
        raise CheckpointError("bad_weights", f"{WEIGHTS} is not safetensors: {error}") from error
    expected, dtype = expected_shapes(form.config), _DTYPES[form.manifest["dtype"]]
    for name in sorted(expected.keys() | found.keys()):
        shape, kind = found.get(name, ("missing", dtype))
        if expected.get(name) != shape:
            detail = f"{name} is {shape}, expected {expected.get(name, 'none')}"
            raise CheckpointError("wrong_shape", detail)
        if kind != dtype:
            raise CheckpointError("bad_weights", f"{name} is of {kind}, not of {dtype}")
    return data


def _parameters(config: GPTConfig) -> int:
    return sum(math.prod(shape) for shape in expected_shapes(config).values())


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _sync(folder: Path, *, with_files: bool = True) -> None:
    """Have the disk hold a folder (and its files) before something else relies on it."""
    for path in [*(folder.iterdir() if with_files else ()), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
