"""Checkpoint folders: a good one loads, every bad one is refused and changes nothing."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from safetensors.torch import load_file, save_file

from inference import checkpoint_io
from inference.checkpoint_io import CheckpointError
from inference.models import Checkpoint
from tests.support.tiny_model import build_tiny_checkpoint

Damage = Callable[[Path], object]


def rehash(folder: Path) -> None:
    """Make the manifest agree with the files again, as somebody with bad intent would."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for name in manifest["files"]:
        manifest["files"][name] = checkpoint_io._sha256(folder / name)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def cut_tensor(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["head.bias"] = weights["head.bias"][:-1].clone()
    save_file(weights, folder / "model.safetensors")
    rehash(folder)


def extra_tensor(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["more"] = weights["head.bias"].clone()
    save_file(weights, folder / "model.safetensors")
    rehash(folder)


def pickle_inside(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(pickle.dumps({"tokens.weight": [1]}))
    rehash(folder)


def huge_config(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"n_embd": 2**40}))
    rehash(folder)


def unknown_key(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"rope": True}))
    rehash(folder)


def no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")
    rehash(folder)


BAD: list[tuple[str, Damage]] = [
    ("missing_file", lambda f: (f / "tokenizer.json").unlink()),
    ("missing_file", lambda f: (f / "manifest.json").unlink()),
    ("wrong_hash", lambda f: (f / "config.json").write_text("{}")),
    ("bad_manifest", lambda f: (f / "manifest.json").write_text("[1")),
    ("bad_manifest", lambda f: (f / "manifest.json").write_text('{"name": "x"}')),
    ("bad_config", huge_config),
    ("bad_config", unknown_key),
    ("bad_tokenizer", no_tokenizer),
    ("wrong_shape", cut_tensor),
    ("wrong_shape", extra_tensor),
    ("bad_weights", pickle_inside),
    ("pickle_refused", lambda f: (f / "optimizer.pt").write_bytes(b"x")),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("code", "damage"), BAD)
def test_load_checkpoint_refuses_a_bad_folder(copy_of: Path, code: str, damage: Damage) -> None:
    damage(copy_of)
    with pytest.raises(CommandError, match=f"^{code}: "):
        call_command("load_checkpoint", str(copy_of))
    assert not Checkpoint.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["nowhere", "", "../../etc"])
def test_load_checkpoint_unknown_path(name: str) -> None:
    with pytest.raises(CommandError, match=r"^(not_found|missing_file|bad_manifest)"):
        call_command("load_checkpoint", name)


@pytest.mark.django_db
def test_load_checkpoint_refuses_a_pickle_file(tmp_path: Path) -> None:
    file = tmp_path / "model.pth"
    file.write_bytes(pickle.dumps({}))
    with pytest.raises(CommandError, match=r"^pickle_refused"):
        call_command("load_checkpoint", str(file))


@pytest.mark.django_db
def test_load_activate_and_list(
    copy_of: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("load_checkpoint", str(copy_of))
    call_command("load_checkpoint", str(copy_of))
    other = build_tiny_checkpoint(tmp_path / "other", seed=2)
    call_command("load_checkpoint", str(other), "--no-activate")
    assert list(Checkpoint.objects.filter(is_active=True).values_list("name", flat=True)) == [
        "tiny"
    ]
    call_command("activate_checkpoint", "other")
    call_command("list_checkpoints")
    assert "* other" in capsys.readouterr().out
    assert Checkpoint.objects.count() == 2
    assert Checkpoint.objects.get(is_active=True).name == "other"
    call_command("load_checkpoint", str(copy_of), "--keep-active")
    assert Checkpoint.objects.get(is_active=True).name == "other"
    with pytest.raises(CommandError, match=r"^not_found"):
        call_command("activate_checkpoint", "nobody")


@pytest.mark.django_db
def test_activate_checks_the_folder_again(copy_of: Path) -> None:
    call_command("load_checkpoint", str(copy_of), "--no-activate")
    (copy_of / "config.json").write_text("{}")
    with pytest.raises(CommandError, match=r"^wrong_hash"):
        call_command("activate_checkpoint", "tiny")
    assert not Checkpoint.objects.filter(is_active=True).exists()


def test_expected_shapes_are_those_of_the_network(copy_of: Path) -> None:
    checkpoint = checkpoint_io.verify(copy_of)
    state = checkpoint_io.load_model(checkpoint).state_dict()
    assert {k: list(v.shape) for k, v in state.items()} == checkpoint_io.expected_shapes(
        checkpoint.config
    )


def test_write_leaves_the_old_folder_when_it_fails(copy_of: Path) -> None:
    before = checkpoint_io.verify(copy_of).sha256
    model = checkpoint_io.load_model(checkpoint_io.verify(copy_of))
    with pytest.raises(OSError, match="nothing"):
        checkpoint_io.write(copy_of, model, copy_of / "nothing", "card", {})
    with pytest.raises(CheckpointError, match="not a tokenizer"):
        checkpoint_io.write(copy_of, model, copy_of / "config.json", "card", {})
    assert checkpoint_io.verify(copy_of).sha256 == before
