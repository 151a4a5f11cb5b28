"""A released checkpoint on disk: reading, checking and writing its folder.

`config.json, model.safetensors, tokenizer.json, manifest.json` (and a model card). Checking
needs no torch: shapes are read from the safetensors header. Pickles are refused by name and by
content; `model.safetensors` is the only place that weights are ever read from.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from safetensors import SafetensorError, safe_open

from inference.model.config import ConfigError, GPTConfig
from inference.tokenizer import Tokenizer, TokenizerError

if TYPE_CHECKING:
    from inference.model.gpt import GPT

WEIGHTS, CONFIG, TOKENIZER, MANIFEST = (
    "model.safetensors", "config.json", "tokenizer.json", "manifest.json",
)  # fmt: skip
_FILES = (CONFIG, WEIGHTS, TOKENIZER)
_PICKLES = {".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt", ".joblib"}
_JSON_MAX_BYTES = 1_000_000
_FORMAT = 1


class CheckpointError(ValueError):
    """A checkpoint folder that cannot be used; `code` says why in one word."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder whose files were all checked against its manifest."""

    folder: Path
    name: str
    config: GPTConfig
    manifest: dict[str, Any]
    sha256: str  # of manifest.json, and through it of every file

    def tokenizer(self) -> Tokenizer:
        return Tokenizer.from_file(self.folder / TOKENIZER)


def verify(folder: Path) -> Checkpoint:
    """Check a folder from end to end without torch; raises `CheckpointError`."""
    _refuse_pickles(folder)
    if not folder.is_dir():
        raise CheckpointError("not_found", f"no checkpoint folder at {folder}")
    for name in (MANIFEST, *_FILES):
        if not (folder / name).is_file():
            raise CheckpointError("missing_file", f"{folder.name}: {name} is missing")
    manifest = read_json(folder / MANIFEST, "bad_manifest")
    _check_manifest(folder, manifest)
    try:
        config = GPTConfig.from_dict(read_json(folder / CONFIG, "bad_config"))
        tokenizer = Tokenizer.from_file(folder / TOKENIZER)
    except ConfigError as error:
        raise CheckpointError("bad_config", f"{CONFIG}: {error}") from error
    except TokenizerError as error:
        raise CheckpointError("bad_tokenizer", str(error)) from error
    if tokenizer.vocab_size != config.vocab_size:
        detail = f"{TOKENIZER} has {tokenizer.vocab_size} ids, {CONFIG} says {config.vocab_size}"
        raise CheckpointError("wrong_shape", detail)
    _check_shapes(folder / WEIGHTS, config)
    return Checkpoint(folder, manifest["name"], config, manifest, _sha256(folder / MANIFEST))


def load_model(checkpoint: Checkpoint) -> GPT:
    """Build the network in fp32 with the checkpoint's weights. Imports torch."""
    import torch
    from safetensors.torch import load_file

    from inference.model.gpt import GPT

    with torch.device("meta"):  # no random start values that are thrown away at once
        model = GPT(checkpoint.config)
    weights = load_file(checkpoint.folder / WEIGHTS)
    model.load_state_dict({k: v.float() for k, v in weights.items()}, assign=True)
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
    (aside / "README.md").write_text(card, encoding="utf-8")
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


def _check_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    name, files = manifest.get("name"), manifest.get("files")
    if not isinstance(name, str) or not name or not isinstance(files, dict):
        raise CheckpointError("bad_manifest", f"{MANIFEST} needs a name and the files' hashes")
    if manifest.get("format") != _FORMAT:
        raise CheckpointError("bad_manifest", f"{MANIFEST}: format {_FORMAT} is expected")
    for file in _FILES:
        if files.get(file) != _sha256(folder / file):
            raise CheckpointError("wrong_hash", f"{file} is not the file of the manifest")


def _check_shapes(path: Path, config: GPTConfig) -> None:
    expected = expected_shapes(config)
    try:
        with safe_open(path, framework="np") as weights:
            found = {name: weights.get_slice(name).get_shape() for name in weights.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError("bad_weights", f"{path.name} is not safetensors: {error}") from error
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            detail = (
                f"{name} is {found.get(name, 'missing')}, expected {expected.get(name, 'none')}"
            )
            raise CheckpointError("wrong_shape", detail)


def read_json(path: Path, code: str = "bad_config") -> dict[str, Any]:
    """Parse a small JSON object; raises `CheckpointError` with `code`."""
    try:
        if path.stat().st_size > _JSON_MAX_BYTES:
            raise CheckpointError(code, f"{path.name} is too large")
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CheckpointError(code, f"{path.name} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise CheckpointError(code, f"{path.name} must be an object")
    return content


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
