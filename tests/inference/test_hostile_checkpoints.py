"""Checkpoint folders that somebody made to do harm: each is refused, and nothing happens."""

import json
import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings
from safetensors.torch import load_file, save_file

from inference import checkpoint_io
from inference.checkpoint_io import CheckpointError
from inference.models import Checkpoint
from tests.inference.test_slm_import import build_ancestor

Damage = Callable[[Path], object]

WEIGHTS, TOKENIZER, MANIFEST = "model.safetensors", "tokenizer.json", "manifest.json"


class Malicious:
    """Unpickling it writes a file: the proof that nobody unpickles."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.proof}",)


def rehash(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    for name in manifest["files"]:
        manifest["files"][name] = checkpoint_io._sha256(folder / name)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def manifest(**changes: Any) -> Damage:
    def change(folder: Path) -> None:
        content = json.loads((folder / MANIFEST).read_text())
        (folder / MANIFEST).write_text(json.dumps(content | changes))

    return change


def raw_manifest(old: str, new: str) -> Damage:
    def change(folder: Path) -> None:
        text = (folder / MANIFEST).read_text()
        assert old in text
        (folder / MANIFEST).write_text(text.replace(old, new))

    return change


def tokenizer(change: Callable[[dict[str, Any]], object]) -> Damage:
    def damage(folder: Path) -> None:
        content = json.loads((folder / TOKENIZER).read_text())
        change(content)
        (folder / TOKENIZER).write_text(json.dumps(content))
        rehash(folder)

    return damage


def weights(data: Callable[[bytes], bytes]) -> Damage:
    def damage(folder: Path) -> None:
        path = folder / WEIGHTS
        path.write_bytes(data(path.read_bytes()))
        rehash(folder)

    return damage


def header(change: Callable[[dict[str, Any]], object]) -> Damage:
    def rewrite(data: bytes) -> bytes:
        length = int.from_bytes(data[:8], "little")
        content = json.loads(data[8 : 8 + length])
        change(content)
        raw = json.dumps(content).encode()
        return len(raw).to_bytes(8, "little") + raw + data[8 + length :]

    return weights(rewrite)


def sparse(name: str, size: int) -> Damage:
    """A file that says it is huge and takes no place."""
    return lambda folder: os.truncate(folder / name, size)


def linked(name: str) -> Damage:
    def damage(folder: Path) -> None:
        away = folder.parent / f"away-{name}"
        (folder / name).rename(away)
        (folder / name).symlink_to(away)

    return damage


def piped(name: str) -> Damage:
    def damage(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return damage


def other_dtype(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    save_file({name: tensor.half() for name, tensor in tensors.items()}, folder / WEIGHTS)
    rehash(folder)


def deep_tokenizer(folder: Path) -> None:
    (folder / TOKENIZER).write_text("[" * 100_000)
    rehash(folder)


SLOW = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}
HUGE = 2**62
BAD: list[tuple[str, Damage]] = [
    ("bad_manifest", manifest(name="../../etc/cron.d/x")),
    ("bad_manifest", manifest(name="x" * 81)),
    ("bad_manifest", manifest(name="a\x00b")),
    ("bad_manifest", manifest(name="<script>alert(1)</script>")),
    ("bad_manifest", manifest(name=["tiny"])),
    ("bad_manifest", manifest(parameters=1)),
    ("bad_manifest", manifest(parameters="57845")),
    ("bad_manifest", manifest(parameters=HUGE)),
    ("bad_manifest", manifest(dtype="int8")),
    ("bad_manifest", manifest(dtype=["bfloat16"])),
    ("bad_manifest", manifest(training=[1])),
    ("bad_manifest", manifest(training={"note": "a\x00b"})),
    ("bad_manifest", raw_manifest('"steps": 0', '"steps": NaN')),
    ("bad_manifest", raw_manifest('"steps": 0', '"steps": 1e999')),
    ("bad_manifest", raw_manifest('"steps": 0', '"steps": "\\ud800"')),
    ("bad_manifest", raw_manifest('"steps": 0', '"steps": ' + "9" * 5000)),
    ("bad_manifest", lambda f: (f / MANIFEST).write_text("[" * 100_000)),
    ("too_large", lambda f: (f / MANIFEST).write_text(" " * 1_000_001)),
    ("wrong_hash", manifest(files={"model.safetensors": "0" * 64})),
    ("wrong_hash", manifest(files={})),
    ("too_large", sparse(WEIGHTS, 10**12)),
    ("too_large", sparse(TOKENIZER, 10**12)),
    ("bad_file", linked(WEIGHTS)),
    ("bad_file", linked(MANIFEST)),
    ("bad_file", piped(TOKENIZER)),
    ("bad_file", piped(WEIGHTS)),
    ("bad_weights", weights(lambda data: b"")),
    ("bad_weights", weights(lambda data: (2**63).to_bytes(8, "little") + data[8:])),
    ("bad_weights", weights(lambda data: data[:-1])),
    ("bad_weights", weights(lambda data: data + b"\0")),
    ("bad_weights", header(lambda h: h["head.bias"].update(shape=[HUGE]))),
    ("bad_weights", header(lambda h: h["head.bias"].update(shape=[HUGE, HUGE]))),
    ("bad_weights", header(lambda h: h["head.bias"].update(data_offsets=[0, HUGE]))),
    ("bad_weights", header(lambda h: h["head.bias"].update(data_offsets=[0, 1]))),
    ("bad_weights", header(lambda h: h["head.bias"].update(dtype="F128"))),
    ("bad_weights", other_dtype),
    ("bad_weights", weights(lambda data: (10**8).to_bytes(8, "little") + b"[" * 10**5)),
    ("bad_tokenizer", tokenizer(lambda t: t.update(pre_tokenizer=SLOW))),
    ("bad_tokenizer", tokenizer(lambda t: t["pre_tokenizer"]["pretokenizers"].insert(0, SLOW))),
    ("bad_tokenizer", tokenizer(lambda t: t.update(normalizer={"type": "Lowercase"}))),
    ("bad_tokenizer", deep_tokenizer),
    ("bad_tokenizer", tokenizer(lambda t: t["model"].update(vocab={"a": 2**32 - 2}))),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("code", "damage"), BAD)
def test_a_hostile_folder_is_refused(copy_of: Path, code: str, damage: Damage) -> None:
    damage(copy_of)
    start = time.monotonic()
    with pytest.raises(CommandError, match=f"^{code}: "):
        call_command("load_checkpoint", str(copy_of))
    assert time.monotonic() - start < 30
    assert not Checkpoint.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    ["x\x00y", "a" * 300, "a" * 100_000, "/" + "a/" * 5000, "..", "../..", "/", "~", "%2e%2e"],
)
def test_a_path_trick_finds_nothing(name: str) -> None:
    with pytest.raises(CommandError, match=r"^(not_found|missing_file): "):
        call_command("load_checkpoint", name)
    with pytest.raises(CommandError, match=r"^not_found: "):
        call_command("activate_checkpoint", name.replace("\x00", ""))


@pytest.mark.django_db
def test_a_name_does_not_lead_out_of_the_models(
    copy_of: Path, tmp_path: Path, settings: Settings
) -> None:
    settings.MODELS_DIR = tmp_path / "models"
    settings.MODELS_DIR.mkdir(exist_ok=True)
    (settings.MODELS_DIR / "escape").symlink_to(copy_of.resolve())
    if copy_of.resolve().is_relative_to(settings.MODELS_DIR.resolve()):
        copy_of = copy_of.rename(tmp_path / "outside")
        (settings.MODELS_DIR / "escape").unlink()
        (settings.MODELS_DIR / "escape").symlink_to(copy_of)
    with pytest.raises(CommandError, match=r"^outside: "):
        call_command("load_checkpoint", "escape")
    call_command("load_checkpoint", str(copy_of))  # said in so many words


@pytest.mark.django_db
@pytest.mark.parametrize("name", [WEIGHTS, TOKENIZER, MANIFEST, "config.json"])
def test_a_pickle_by_the_name_of_a_part_is_not_unpickled(
    copy_of: Path, tmp_path: Path, name: str
) -> None:
    proof = tmp_path / "proof"
    (copy_of / name).write_bytes(pickle.dumps(Malicious(proof)))
    if name != MANIFEST:
        rehash(copy_of)
    with pytest.raises(CommandError, match=r"^bad_"):
        call_command("load_checkpoint", str(copy_of))
    assert not proof.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.PT", "rng.pkl", "last.ckpt"])
def test_a_pickle_beside_the_parts_is_refused(copy_of: Path, tmp_path: Path, name: str) -> None:
    proof = tmp_path / "proof"
    (copy_of / name).write_bytes(pickle.dumps(Malicious(proof)))
    with pytest.raises(CommandError, match=r"^pickle_refused: "):
        call_command("load_checkpoint", str(copy_of))
    assert not proof.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("is_archive", [False, True])
def test_a_pickle_for_the_import_is_not_unpickled(
    tmp_path: Path, settings: Settings, is_archive: bool
) -> None:
    settings.MODELS_DIR = tmp_path / "models"
    source, proof = tmp_path / "slm", tmp_path / "proof"
    build_ancestor(source)
    if is_archive:
        torch.save({"model_state_dict": Malicious(proof)}, source / "checkpoint.pth")
    else:
        (source / "checkpoint.pth").write_bytes(pickle.dumps(Malicious(proof), 2))
    with pytest.raises(CommandError, match=r"^pickle_refused: "):
        call_command("load_checkpoint", "--from-slm", str(source))
    assert not proof.exists()
    assert not settings.MODELS_DIR.exists()
    if not is_archive:
        pickle.loads((source / "checkpoint.pth").read_bytes())
        assert proof.exists()  # it would have


@pytest.mark.django_db
def test_other_files_are_neither_run_nor_read(copy_of: Path, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    (copy_of / "modeling_tiny.py").write_text(f"open({str(proof)!r}, 'w')")
    (copy_of / "conftest.py").write_text(f"open({str(proof)!r}, 'w')")
    (copy_of / "sub").mkdir()
    (copy_of / "sub" / "config.json").write_text("{")
    call_command("load_checkpoint", str(copy_of))
    checkpoint_io.load_model(checkpoint_io.verify(copy_of))
    assert not proof.exists()


def test_what_is_loaded_is_what_was_verified(copy_of: Path) -> None:
    """The folder changes in between: weights are hashed as they are loaded, the rest is kept."""
    checkpoint = checkpoint_io.verify(copy_of)
    text = "hello there"
    ids = checkpoint.tokenizer().encode(text)
    (copy_of / TOKENIZER).write_text("{}")
    assert checkpoint.tokenizer().encode(text) == ids
    tensors = load_file(copy_of / WEIGHTS)
    tensors["head.bias"] += 1
    save_file(tensors, copy_of / WEIGHTS)
    rehash(copy_of)
    with pytest.raises(CheckpointError, match="not the file of the manifest"):
        checkpoint_io.load_model(checkpoint)


def test_weights_that_are_no_numbers_are_not_served(copy_of: Path) -> None:
    tensors = load_file(copy_of / WEIGHTS)
    tensors["head.bias"][3] = float("nan")
    save_file(tensors, copy_of / WEIGHTS)
    rehash(copy_of)
    with pytest.raises(CheckpointError, match="not a finite number"):
        checkpoint_io.load_model(checkpoint_io.verify(copy_of))
