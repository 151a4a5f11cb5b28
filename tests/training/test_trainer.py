"""A tiny run from config to released checkpoint; ended and resumed it gives the same weights."""

from pathlib import Path

import pytest
import torch

from inference import checkpoint_io
from tests.training.test_data import SMALLTALK
from training.config import RunConfig, SourceConfig
from training.export import export
from training.smalltalk import DataError
from training.tokenizer import select_bpe
from training.trainer import Trainer, schedule

TINY: dict[str, int | str] = {"n_layer": 1, "n_head": 2, "n_embd": 16, "context_length": 128}


def config(tokenizer_file: Path, tokens: int) -> RunConfig:
    return RunConfig(
        name="tiny", tokenizer=str(tokenizer_file), tokens=tokens, rows=2, compile=False,
        sources=(SourceConfig("smalltalk", "smalltalk", 1.0, str(SMALLTALK)),),
        eval_every=1000, loss_on="assistant", dropout=0.1, decay_from=1.0, warmup=1e-9,
        model=TINY,
    )  # fmt: skip


@pytest.mark.timeout(180)
def test_resumed_run_equals_uninterrupted(tokenizer_file: Path, tmp_path: Path) -> None:
    whole = Trainer(config(tokenizer_file, 1500), tmp_path / "whole")
    whole.fit()
    assert whole.at.step > 5
    Trainer(config(tokenizer_file, 700), tmp_path / "parts").fit()
    resumed = Trainer(config(tokenizer_file, 1500), tmp_path / "parts")
    resumed.fit()
    assert resumed.at.step == whole.at.step
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name


@pytest.mark.timeout(180)
def test_run_learns_and_exports(tokenizer_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    trainer = Trainer(config(tokenizer_file, 6000), run)
    trainer.fit()
    losses = [row["loss"] for row in trainer.at.history if "loss" in row]
    assert sum(losses[-5:]) < sum(losses[:5]) - 1
    assert (run / "loss.png").stat().st_size > 1000
    (run / "config.toml").write_text("x = 1\n")
    out = tmp_path / "models" / "tiny"
    export(run, [], config(tokenizer_file, 6000), out)
    checkpoint = checkpoint_io.verify(out)
    assert checkpoint.manifest["training"]["stages"][0]["steps"] == trainer.at.step
    assert "Held-out loss" in (out / "README.md").read_text()
    with pytest.raises(DataError, match="train first"):
        export(tmp_path / "nothing", [], config(tokenizer_file, 1), out)


def test_schedule_rises_stays_and_falls() -> None:
    values = [schedule(p / 100, 0.05, 0.4) for p in range(101)]
    assert values[0] < 0.1
    assert values[5] == values[39] == 1.0
    assert values[40:] == sorted(values[40:], reverse=True)
    assert values[100] == pytest.approx(0.02)


def test_select_bpe_is_closed_and_exact() -> None:
    """Every kept token can be built; the size is exact; round trips hold."""
    merges = [("h", "e"), ("l", "l"), ("he", "ll"), ("hell", "o"), ("x", "y"), ("Ġ", "hello")]
    tokenizer = select_bpe(["hello hello"] * 3, merges, 256 + 5 + 3)
    assert tokenizer.get_vocab_size() == 264
    assert tokenizer.encode("hello hello").tokens == ["hello", "Ġhello"]
    assert "xy" not in tokenizer.get_vocab()
    assert tokenizer.decode(tokenizer.encode("xyz é 🙂 12").ids) == "xyz é 🙂 12"
