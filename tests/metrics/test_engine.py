"""What an engine says of its steps, and when a worker's counts as alive; which commit this is."""

import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chat.generation import worker as workers
from deploy.local.paths import ROOT
from eugpt.metrics import pulse
from eugpt.version import version
from inference import checkpoint_io
from inference.engine.loading import load_engine
from inference.engine.params import SamplingParams
from inference.engine.request import StepOutput
from inference.engine.stats import StepStats
from inference.engine.thread import EngineThread
from tests.support.tiny_model import build_tiny_checkpoint

PROMPT = list(range(20, 50))
PARAMS = SamplingParams(seed=3, max_tokens=12, min_tokens=12)


def test_steps_tell_what_was_read_taken_over_and_written(tmp_path: Path) -> None:
    checkpoint = checkpoint_io.verify(build_tiny_checkpoint(tmp_path / "tiny"))
    engine = load_engine(checkpoint, slots=4, threads=1, precision="fp32", kept_contexts=0)
    steps: list[StepStats] = []
    outputs: list[StepOutput] = []
    is_over = threading.Event()

    def take(news: list[StepOutput]) -> None:
        outputs.extend(news)
        if sum(bool(output.finish) for output in outputs) == 3:
            is_over.set()

    thread = EngineThread(engine, take, lambda: None, steps.append)
    for name in "abc":
        thread.submit(name, PROMPT, PARAMS, [])
    assert thread.step_s() == 0
    thread.start()
    assert is_over.wait(30)
    thread.stop()
    written = sum(len(output.token_ids) for output in outputs)
    assert written == 3 * 12
    assert sum(step.prompt_tokens for step in steps) == 3 * len(PROMPT)
    assert sum(step.cached_tokens for step in steps) < 3 * len(PROMPT)
    assert sum(step.continued for step in steps) == written - 3
    assert max(step.batch for step in steps) == 3
    assert all(0 < step.seconds <= step.interval + 0.001 for step in steps)
    assert thread.step_s() == 0


def test_the_first_token_of_a_reply_that_goes_on_follows_none(tmp_path: Path) -> None:
    """Between it and the one before lies a lost worker, or a day."""
    checkpoint = checkpoint_io.verify(build_tiny_checkpoint(tmp_path / "tiny"))
    engine = load_engine(checkpoint, slots=1, threads=1, precision="fp32", kept_contexts=0)
    engine.submit("a", PROMPT, PARAMS, [20, 21, 22])
    continued = []
    while not engine.is_idle:
        if any(output.token_ids for output in engine.step()):
            continued.append(engine.stats.continued)
    assert continued == [0] + [1] * (12 - 3 - 1)


@dataclass
class StubThread:
    is_dead: bool = False
    took_s: float = 0.0

    def step_s(self) -> float:
        return self.took_s


@dataclass
class StubServing:
    thread: StubThread = field(default_factory=StubThread)


@dataclass
class StubWorker:
    serving: StubServing = field(default_factory=StubServing)
    silent_s: float = 0.0

    def unsigned_s(self) -> float:
        return self.silent_s


def test_worker_is_alive_while_engine_and_key_are(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pulse.engine_wrong() == {}
    assert list(pulse.engine_missing()) == ["engine"]
    worker: Any = StubWorker()
    monkeypatch.setattr(workers, "_worker", worker)
    assert pulse.engine_wrong() == pulse.engine_missing() == {}
    worker.serving.thread.took_s = pulse.STEP_MAX_S + 1
    worker.silent_s = pulse.SILENCE_S + 1
    assert set(pulse.engine_wrong()) == {"engine", "redis"}
    worker.serving.thread, worker.silent_s = StubThread(is_dead=True), 0.0
    assert pulse.engine_wrong() == {"engine": "its thread has ended"}


def test_version_is_the_commit_or_what_the_image_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    version.cache_clear()
    assert version(tmp_path) == "unknown"
    if (ROOT / ".git").is_dir():
        command = ["git", "rev-parse", "HEAD"]
        head = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert version(ROOT) == head[:12]
    version.cache_clear()
    monkeypatch.setenv("IMAGE_REVISION", "0123456789abcdef")
    assert version(ROOT) == "0123456789ab"
    version.cache_clear()
