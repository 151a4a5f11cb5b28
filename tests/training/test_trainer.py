"""A tiny run from config to released checkpoint; ended or killed and resumed, it is the same."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from inference import checkpoint_io
from inference.model.gpt import GPT
from inference.tokenizer import Tokenizer
from tests.training.test_data import SMALLTALK
from training.__main__ import main
from training.config import ConfigError, RunConfig, SoftConfig, SourceConfig, read_config
from training.export import export
from training.generate import PROBES
from training.optim import cosine, learning_rate_factor, trapezoid
from training.progress import Progress, StatusBar
from training.run_folder import RunFolder, git_state
from training.runs import model_shape
from training.smalltalk import DataError
from training.soft import soften
from training.tokenizer import select_bpe
from training.trainer import Trainer

ROOT = Path(__file__).parents[2]
TINY: dict[str, int | str] = {"n_layer": 1, "n_head": 2, "n_embd": 16, "context_length": 128}
TOML = """
name = "tiny"
tokenizer = "{tokenizer}"
tokens = {tokens}
rows = 2
loss_on = "assistant"
dropout = 0.1
eval_every = 7
checkpoint_minutes = 0
samples = false
compile = false
model = {{ n_layer = 1, n_head = 2, n_embd = 16, context_length = 128 }}
[[source]]
name = "smalltalk"
kind = "smalltalk"
share = 1
path = "{smalltalk}"
"""


@pytest.fixture(scope="session")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corner of our small talk, quickly read."""
    folder = tmp_path_factory.mktemp("talk")
    (folder / "slots.json").write_text((SMALLTALK / "slots.json").read_text())
    lines = (SMALLTALK / "01-greetings.txt").read_text().splitlines(keepends=True)
    (folder / "greetings.txt").write_text("".join(lines[:200]))
    return folder


def config(tokenizer_file: Path, tokens: int, talk: Path) -> RunConfig:
    return RunConfig(
        name="tiny", tokenizer=str(tokenizer_file), tokens=tokens, rows=2, compile=False,
        sources=(SourceConfig("smalltalk", "smalltalk", 1.0, str(talk)),),
        eval_every=1000, loss_on="assistant", dropout=0.1, decay_from=1.0, warmup=1e-9,
        model=TINY, samples=False,
    )  # fmt: skip


def write_toml(path: Path, tokenizer_file: Path, talk: Path, tokens: int = 4000) -> Path:
    path.write_text(TOML.format(tokenizer=tokenizer_file, tokens=tokens, smalltalk=talk))
    return path


def write_store(config: RunConfig, folder: Path) -> SoftConfig:
    """What a random teacher expects: any distribution will do."""
    torch.manual_seed(3)
    shape = model_shape(config, Tokenizer.from_file(Path(config.tokenizer)))
    teacher = GPT(shape)
    assert soften(config, teacher, folder, rows=8, minutes=1.0, k=4) == 8
    return SoftConfig(str(folder), 0.5)


def is_same(one: Any, other: Any) -> bool:
    """Equality to the last bit of what a checkpoint may hold."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(is_same(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    return bool(one == other)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_resumed_run_equals_uninterrupted(
    tokenizer_file: Path, talk: Path, tmp_path: Path, optimizer: str
) -> None:
    """With dropout, and half of the rows from a teacher's store."""
    run = replace(config(tokenizer_file, 1500, talk), optimizer=optimizer)
    run = replace(run, soft=write_store(run, tmp_path / "soft"))
    whole = Trainer(run, tmp_path / "whole")
    whole.fit()
    assert whole.at.step > 5
    first = Trainer(replace(run, tokens=700), tmp_path / "parts")
    first.fit()
    assert 0 < first.at.step < whole.at.step
    resumed = Trainer(run, tmp_path / "parts")
    resumed.fit()
    assert resumed.at.step == whole.at.step
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name
    for one, other in zip(whole.optimizers, resumed.optimizers, strict=True):
        assert is_same(one.state_dict(), other.state_dict())


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As many threads as the subprocess has: other sums round otherwise."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("one_thread")
def test_killed_run_resumes_as_if_it_had_not_been(
    tokenizer_file: Path, talk: Path, tmp_path: Path
) -> None:
    """A real SIGKILL between two steps or in the middle of one, wherever it falls."""
    toml = write_toml(tmp_path / "tiny.toml", tokenizer_file, talk)
    assert main(["pretrain", str(toml), "--runs", str(tmp_path / "whole")]) == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "training", "pretrain", toml, "--runs", tmp_path / "parts"],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    metrics, last = tmp_path / "parts/tiny/metrics.jsonl", tmp_path / "parts/tiny/last.pt"
    until = time.monotonic() + 150
    while not (last.is_file() and metrics.read_text().count("\n") > 4):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    ends = [
        torch.load(tmp_path / part / "tiny/last.pt", weights_only=True)
        for part in ("whole", "parts")
    ]
    assert 0 < ends[1]["step"] < ends[0]["step"]
    assert main(["pretrain", str(toml), "--runs", str(tmp_path / "parts")]) == 0
    ends[1] = torch.load(last, weights_only=True)
    for end in ends:
        del end["elapsed_s"]
    assert is_same(ends[0], ends[1])
    logs = [(tmp_path / part / "tiny/metrics.jsonl").read_text() for part in ("whole", "parts")]
    losses = [[json.loads(line).get("loss") for line in log.splitlines()] for log in logs]
    assert losses[0] == losses[1]


@pytest.mark.timeout(300)
def test_run_learns_and_exports(tokenizer_file: Path, talk: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    trainer = Trainer(config(tokenizer_file, 6000, talk), run)
    trainer.fit()
    losses = [row["loss"] for row in trainer.at.history if "loss" in row]
    assert sum(losses[-5:]) < sum(losses[:5]) - 1
    assert (run / "loss.png").stat().st_size > 1000
    write_toml(run / "config.toml", tokenizer_file, talk)
    out = tmp_path / "models" / "tiny"
    export(run, [], config(tokenizer_file, 6000, talk), out)
    checkpoint = checkpoint_io.verify(out)
    assert checkpoint.manifest["training"]["stages"][0]["steps"] == trainer.at.step
    assert "Held-out loss" in (out / "README.md").read_text()
    with pytest.raises(DataError, match="train first"):
        export(tmp_path / "nothing", [], config(tokenizer_file, 1, talk), out)


@pytest.mark.timeout(300)
def test_run_folder_says_what_was_run(
    tokenizer_file: Path, talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toml = write_toml(tmp_path / "tiny.toml", tokenizer_file, talk, tokens=300)
    toml.write_text(toml.read_text().replace("samples = false", "samples = true"))
    command = ["pretrain", str(toml), "--runs", str(tmp_path)]
    assert main(command) == 0
    folder = tmp_path / "tiny"
    assert (folder / "config.toml").read_text() == toml.read_text()
    git = json.loads((folder / "git.json").read_text())
    assert git == git_state(ROOT)
    samples = [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]
    assert [set(sample["replies"]) for sample in samples] == [set(PROBES)]
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == samples[0]["step"] + 1

    # More tokens go on with the run, another seed does not.
    text = toml.read_text()
    toml.write_text(text.replace("tokens = 300", "tokens = 500"))
    assert main(command) == 0
    assert torch.load(folder / "last.pt", weights_only=True)["tokens"] >= 500
    toml.write_text(text + "min_simple = 0.5\n")
    assert main(command) == 1
    assert "holds a run with another sources" in capsys.readouterr().err
    assert (folder / "config.toml").read_text() != toml.read_text()


def test_git_state_outside_a_repository_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    (tmp_path / "code").mkdir()
    assert git_state(tmp_path / "code") == {"commit": None, "is_dirty": None}


def test_rewind_forgets_later_steps_and_half_lines(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"st')
    assert RunFolder(tmp_path).rewind(2) == [{"step": 1}, {"step": 2}]
    assert (tmp_path / "metrics.jsonl").read_text() == '{"step": 1}\n{"step": 2}\n'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('schedule = "linear"', "schedule must be one of trapezoid, cosine, not 'linear'"),
        ('optimizer = "sgd"', "optimizer must be one of"),
        ('precision = "fp16"', "precision must be one of"),
        ("lr = 1", "unknown keys lr"),
    ],
)
def test_config_unknown_values_are_errors(
    tokenizer_file: Path, talk: Path, tmp_path: Path, line: str, message: str
) -> None:
    toml = write_toml(tmp_path / "tiny.toml", tokenizer_file, talk)
    toml.write_text(line + toml.read_text())
    with pytest.raises(ConfigError, match=message):
        read_config(toml, tmp_path)


def test_config_unknown_kind_of_source_is_an_error(
    tokenizer_file: Path, talk: Path, tmp_path: Path
) -> None:
    toml = write_toml(tmp_path / "tiny.toml", tokenizer_file, talk)
    toml.write_text(toml.read_text().replace('kind = "smalltalk"', 'kind = "songs"'))
    with pytest.raises(ConfigError, match="source smalltalk: kind must be one of smalltalk, drill"):
        read_config(toml, tmp_path)


def test_finetune_needs_weights_to_start_from(
    tokenizer_file: Path, talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toml = write_toml(tmp_path / "tiny.toml", tokenizer_file, talk)
    assert main(["finetune", str(toml), "--runs", str(tmp_path)]) == 1
    assert "init_from is missing" in capsys.readouterr().err


def test_trapezoid_rises_stays_and_falls() -> None:
    values = [trapezoid(p / 100, 0.05, 0.4) for p in range(101)]
    assert values[0] < 0.1
    assert values[5] == values[39] == 1.0
    assert values[40:] == sorted(values[40:], reverse=True)
    assert values[100] == pytest.approx(0.02)


def test_cosine_rises_and_falls() -> None:
    values = [cosine(p / 100, 0.1) for p in range(101)]
    assert values[:11] == sorted(values[:11])
    assert values[10] == 1.0
    assert values[10:] == sorted(values[10:], reverse=True)
    assert values[55] == pytest.approx(0.51)
    assert values[100] == pytest.approx(0.02)


def test_schedule_of_the_config_is_used(tokenizer_file: Path, talk: Path) -> None:
    run = replace(config(tokenizer_file, 1, talk), warmup=0.1, decay_from=0.6)
    assert learning_rate_factor(run, 0.55) == 1.0
    assert learning_rate_factor(replace(run, schedule="cosine"), 0.55) == pytest.approx(0.51)


def test_progress_ends_by_tokens_or_minutes_whichever_is_nearer(
    tokenizer_file: Path, talk: Path
) -> None:
    run = replace(config(tokenizer_file, 1000, talk), max_minutes=1.0)
    at = Progress(tokens=250, elapsed_s=30.0)
    assert at.share(run) == 0.5
    assert at.left_s(run, tokens_per_s=10.0) == 30.0
    assert at.left_s(run, tokens_per_s=100.0) == 7.5
    assert at.left_s(replace(run, max_minutes=0.0), tokens_per_s=10.0) == 75.0
    bar = StatusBar(run, at, is_shown=False)
    bar.show(2.0, 10.0)
    at.best = 2.5
    assert bar.line(2.0) == (
        "step 0, 250 tokens, loss 2.000, held out 2.500, 10 tokens/s, 0:00:30 left"
    )


def test_select_bpe_is_closed_and_exact() -> None:
    """Every kept token can be built; the size is exact; round trips hold."""
    merges = [("h", "e"), ("l", "l"), ("he", "ll"), ("hell", "o"), ("x", "y"), ("Ġ", "hello")]
    tokenizer = select_bpe(["hello hello"] * 3, merges, 256 + 5 + 3)
    assert tokenizer.get_vocab_size() == 264
    assert tokenizer.encode("hello hello").tokens == ["hello", "Ġhello"]
    assert "xy" not in tokenizer.get_vocab()
    assert tokenizer.decode(tokenizer.encode("xyz é 🙂 12").ids) == "xyz é 🙂 12"
