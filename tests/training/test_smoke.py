"""`make train-smoke` with a few steps: from our small talk to a checkpoint that answers."""

import re
import subprocess
from pathlib import Path

import pytest

from inference import checkpoint_io
from training import smoke
from training.config import read_config

ROOT = Path(__file__).parents[2]
STAGES = ("smoke", "smoke-finetune")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with a corner of the small talk and runs of a few steps."""
    configs, talk = tmp_path / "training" / "configs", tmp_path / "training" / "data" / "smalltalk"
    configs.mkdir(parents=True)
    talk.mkdir(parents=True)
    for name in STAGES:
        text = (ROOT / "training" / "configs" / f"{name}.toml").read_text()
        text, changes = re.subn(r"^tokens = .*$", "tokens = 9000", text, flags=re.M)
        assert changes == 1
        (configs / f"{name}.toml").write_text(text)
    for path in (ROOT / "training" / "data" / "smalltalk").glob("*.json"):
        (talk / path.name).write_text(path.read_text())
    lines = (ROOT / "training" / "data" / "smalltalk" / "01-greetings.txt").read_text()
    (talk / "greetings.txt").write_text("".join(lines.splitlines(keepends=True)[:300]))
    return tmp_path


@pytest.mark.timeout(600)
def test_smoke_ends_with_a_checkpoint_that_answers(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert smoke.run(root) == 0
    work = root / "var" / "train-smoke"
    checkpoint = checkpoint_io.verify(work / "models" / "tiny")
    assert [s["run"] for s in checkpoint.manifest["training"]["stages"]] == list(STAGES)
    assert "identity" in (work / "evaluation" / "evaluation.md").read_text().lower()
    shown = capsys.readouterr().out
    assert "What is your name?" in shown
    assert f"-m training chat {work / 'models' / 'tiny'}" in shown
    assert {path.name for path in root.iterdir()} == {"training", "var"}


def test_smoke_stops_at_the_first_stage_that_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert smoke.run(tmp_path) == 1
    shown = capsys.readouterr()
    assert "smoke.toml" in shown.err
    assert "pretrain" not in shown.out


def test_smoke_stages_share_model_and_tokenizer() -> None:
    first, second = (read_config(ROOT / f"training/configs/{name}.toml", ROOT) for name in STAGES)
    assert (first.model, first.tokenizer) == (second.model, second.tokenizer)
    assert Path(second.init_from) == ROOT / "var/train-smoke/runs/smoke/best.safetensors"
    assert [first.name, second.name] == list(STAGES)
    assert first.max_minutes + second.max_minutes < 2


def test_make_help_lists_it() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert re.search(r"^  make train-smoke +Train", shown.stdout, re.M)
