"""Two real processes on gloo, started by torchrun: one model, different data, exact resume."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.test_trainer import config, is_same
from tests.training.test_trainer import talk as talk
from training.config import RunConfig
from training.distributed import World, join_world
from training.rows import IGNORE, Batch
from training.smalltalk import DataError
from training.trainer import Trainer

ROOT = Path(__file__).parents[2]
# What each process does. It leaves its weights, and the gradients of a first batch, in a file.
PROGRAM = """
import json, os, signal, sys
from dataclasses import replace
from pathlib import Path
import torch
from training.config import RunConfig, SourceConfig
from training.distributed import join_world
from training.trainer import Trainer

asked = json.loads(Path(sys.argv[1]).read_text())
out, dies_at = Path(sys.argv[2]), int(sys.argv[3])
sources = tuple(SourceConfig(**source) for source in asked.pop("sources"))
config = RunConfig(**asked, sources=sources)
with join_world() as world:
    if dies_at < 0:
        first = Trainer(replace(config, dropout=0.0), out / "unused", world)
        batch = first.batches.next()
        loss, tokens = first.backward(batch)
        found = {"loss": loss, "tokens": tokens, "targets": batch.targets}
        found["gradients"] = {name: p.grad for name, p in first.model.named_parameters()}
        torch.save(found, out / f"first{world.rank}.pt")
    trainer = Trainer(config, out / "run", world)
    step = trainer._step
    def mortal_step():
        if world.rank == 1 and trainer.at.step == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return step()
    trainer._step = mortal_step
    trainer.fit()
    found = {"weights": trainer.model.state_dict(), "step": trainer.at.step}
    found |= {"best": trainer.at.best, "rng": torch.get_rng_state()}
    torch.save(found, out / f"rank{world.rank}.pt")
tasks = Path("/proc/self/task").glob("*/comm")
(out / f"threads{world.rank}.json").write_text(json.dumps([task.read_text() for task in tasks]))
"""


def torchrun(run: RunConfig, out: Path, dies_at: int = -1) -> int:
    """Train with two processes; the second kills itself before step `dies_at`."""
    out.mkdir(exist_ok=True)
    (out / "program.py").write_text(PROGRAM)
    (out / "run.json").write_text(json.dumps(asdict(run)))
    done = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
            out / "program.py", out / "run.json", out, str(dies_at),
        ],
        cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
        env={
            **os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT),
            "GLOO_SOCKET_IFNAME": "lo", "CUDA_VISIBLE_DEVICES": "",
        },
    )  # fmt: skip
    assert dies_at >= 0 or done.returncode == 0, done.stderr[-3000:]
    return done.returncode


def found(out: Path, rank: int, name: str = "rank") -> dict[str, Any]:
    state: dict[str, Any] = torch.load(out / f"{name}{rank}.pt", weights_only=True)
    return state


@pytest.fixture(scope="module")
def run(tokenizer_file: Path, talk: Path) -> RunConfig:
    whole = config(tokenizer_file, 3000, talk)
    return replace(whole, precision="fp32", checkpoint_minutes=0.0, eval_every=1)  # ends on one


@pytest.fixture(scope="module")
def whole(run: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    torchrun(run, out)
    return out


@pytest.mark.timeout(600)
def test_all_processes_end_with_the_same_weights(whole: Path) -> None:
    one, other = found(whole, 0), found(whole, 1)
    assert is_same(one["weights"], other["weights"])
    assert (one["step"], one["best"]) == (other["step"], other["best"])
    assert one["step"] > 4
    assert not torch.equal(one["rng"], other["rng"])  # each has its own dropout
    lines = (whole / "run" / "metrics.jsonl").read_text().splitlines()
    losses = [row for line in lines if "loss" in (row := json.loads(line))]
    assert len(losses) == one["step"]  # the first alone writes
    best = torch.load(whole / "run" / "last.pt", weights_only=True)["model"]
    assert is_same(best, one["weights"])


@pytest.mark.timeout(600)
def test_no_thread_of_the_group_is_left_to_abort_the_end(whole: Path) -> None:
    for rank in (0, 1):
        threads = json.loads((whole / f"threads{rank}.json").read_text())
        assert threads
        assert not [name for name in threads if "gloo" in name]


@pytest.mark.timeout(600)
def test_gradient_of_two_processes_is_that_of_one_on_both_batches(
    run: RunConfig, whole: Path, tmp_path: Path
) -> None:
    """Also where one has fewer targets than the other."""
    states = [found(whole, rank, "first") for rank in (0, 1)]
    alone = Trainer(replace(run, dropout=0.0), tmp_path)
    batches = [alone.batches.next() for _ in states]
    targets = [int((batch.targets != IGNORE).sum()) for batch in batches]
    assert targets[0] != targets[1]
    for batch, state in zip(batches, states, strict=True):
        assert torch.equal(batch.targets, state["targets"])
    both = Batch(
        *(
            torch.cat([getattr(batch, name) for batch in batches])
            for name in ("tokens", "targets", "documents")
        )
    )
    loss, tokens = alone.backward(both)
    for state in states:
        assert state["loss"] == pytest.approx(loss, abs=1e-5)
        assert state["tokens"] == tokens
        for name, parameter in alone.model.named_parameters():
            torch.testing.assert_close(state["gradients"][name], parameter.grad, rtol=0, atol=1e-5)


@pytest.mark.timeout(600)
def test_killed_and_resumed_processes_end_as_uninterrupted_ones(
    run: RunConfig, whole: Path, tmp_path: Path
) -> None:
    assert torchrun(run, tmp_path / "parts", dies_at=3) != 0
    assert not (tmp_path / "parts" / "rank0.pt").exists()
    step = torch.load(tmp_path / "parts" / "run" / "last.pt", weights_only=True)["step"]
    assert 0 < step <= 3
    torchrun(run, tmp_path / "parts")
    for rank in (0, 1):
        assert is_same(found(tmp_path / "parts", rank), found(whole, rank))

    with pytest.raises(DataError, match="was trained by 2 processes, not 1"):
        Trainer(run, tmp_path / "parts" / "run").fit()


def test_alone_nothing_is_exchanged() -> None:
    with join_world() as world:
        assert (world.rank, world.size, world.is_first) == (0, 1, True)
    parameter = torch.nn.Parameter(torch.ones(2))
    world = World()
    world.sum_gradients([parameter])
    assert parameter.grad is None
    assert world.sum(1, 2.5) == [1, 2.5]
    assert world.first(3) == [3]
    assert world.gather("state") == ["state"]
