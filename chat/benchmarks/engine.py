"""The bare engine at the concurrency of a load test: what the stack's pace is compared with.

It is the worker's engine with the worker's settings, in a process of its own, with nothing around
it: the callback that gets a step's outputs counts them and submits the next prompt.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import count, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from chat.benchmarks.client import nth_prompt

if TYPE_CHECKING:
    from inference.public import SamplingParams, ServingEngine, StepOutput

ROOT = Path(__file__).parents[2]
_WARMUP_S = 1.0
_PREFILLS = 15
_STEP_TOKENS = 40
_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Job:
    """What to run; the prompts are those of the load test."""

    prompts: Sequence[str]
    streams: int
    seconds: float
    new_tokens: int | None


@dataclass(frozen=True, slots=True)
class EngineRun:
    """Tokens a second in a closed loop; one decode step of all streams; one prefill alone."""

    streams: int
    tokens_per_s: float
    cpu_us_per_token: float
    ttft_p95_ms: float
    step_ms: float
    prefill_ms: float


def engine_run(job: Job) -> EngineRun:
    """Run the bare engine in a fresh process with this process's environment."""
    command = [sys.executable, "-m", "chat.benchmarks.engine"]
    result = subprocess.run(
        command, cwd=ROOT, input=json.dumps(asdict(job)), capture_output=True, text=True,
        check=False, timeout=_TIMEOUT_S * 4 + job.seconds,
    )  # fmt: skip
    if result.returncode != 0:
        raise RuntimeError(f"the bare engine failed:\n{result.stderr[-2000:]}")
    return EngineRun(**json.loads(result.stdout.splitlines()[-1]))


class BareEngine:
    """An engine and its count of what came out; its callbacks run on the engine's thread."""

    def __init__(self, job: Job) -> None:
        from inference.public import Turn, parse_params, start_engine

        self._serving: ServingEngine = start_engine(self._take, self._dead)
        params = {"min_tokens": job.new_tokens, "max_tokens": job.new_tokens}
        self._params = parse_params(params if job.new_tokens else {})
        self._turn = Turn
        self._job = job
        self._numbers = count()
        self._is_looping = False
        self._running = 0
        self._idle = threading.Event()
        self.is_dead = False
        self.tokens = 0
        self.steps: list[tuple[float, int]] = []  # time, outputs
        self.ttfts: list[float] = []
        self._submitted: dict[str, float] = {}

    def submit(self, params: SamplingParams | None = None) -> None:
        number = next(self._numbers)
        turn = self._turn("user", nth_prompt(self._job.prompts, number))
        params = params or self._params
        prompt = self._serving.format.fit([turn], params.max_tokens)
        self._running += 1
        self._idle.clear()
        self._submitted[str(number)] = time.perf_counter()
        self._serving.thread.submit(str(number), prompt.token_ids, params, [])

    def loop(self, streams: int, seconds: float) -> tuple[float, float]:
        """Tokens a second, and CPU microseconds a token, in a closed loop of `streams`."""
        self._is_looping = True
        for _ in range(streams):  # one after the other, as the clients of the load test
            self.submit()
            time.sleep(_WARMUP_S / streams)
        self.ttfts.clear()
        tokens, start, cpu = self.tokens, time.perf_counter(), _cpu_s()
        time.sleep(seconds)
        tokens, took, cpu = self.tokens - tokens, time.perf_counter() - start, _cpu_s() - cpu
        self._is_looping = False
        self.wait()
        return tokens / took, cpu * 1e6 / max(tokens, 1)

    def step_s(self, streams: int) -> float:
        """The median time of a decode step with `streams` running and nobody joining."""
        from inference.public import parse_params

        self.steps.clear()
        params = parse_params({"min_tokens": _STEP_TOKENS, "max_tokens": _STEP_TOKENS})
        for _ in range(streams):
            self.submit(params)
        self.wait()
        full = [t for t, outputs in self.steps if outputs == streams]
        return statistics.median(b - a for a, b in pairwise(full))

    def prefill_s(self) -> float:
        """The median time from handing over a prompt to its first token, alone."""
        from inference.public import parse_params

        times = []
        params = parse_params({"min_tokens": 1, "max_tokens": 1})
        for _ in range(_PREFILLS):
            start = time.perf_counter()
            self.submit(params)
            self.wait()
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    def wait(self) -> None:
        if not self._idle.wait(_TIMEOUT_S) or self.is_dead:
            raise RuntimeError("the engine does not answer")

    def stop(self) -> None:
        self._serving.thread.stop()

    def _take(self, outputs: list[StepOutput]) -> None:
        now = time.perf_counter()
        self.steps.append((now, len(outputs)))
        for output in outputs:
            if (submitted := self._submitted.pop(output.request_id, None)) is not None:
                self.ttfts.append(now - submitted)
            self.tokens += len(output.token_ids)
            if output.finish:
                self._running -= 1
                if self._is_looping:
                    self.submit()
        if not self._running:
            self._idle.set()

    def _dead(self) -> None:
        self.is_dead = True
        self._idle.set()


def measure(job: Job) -> EngineRun:
    """Run the job here; needs Django's settings and imports torch."""
    engine = BareEngine(job)
    tokens_per_s, cpu_us = engine.loop(job.streams, job.seconds)
    ttft_p95_s = statistics.quantiles(engine.ttfts, n=20)[-1]
    step_s, prefill_s = engine.step_s(job.streams), engine.prefill_s()
    engine.stop()
    return EngineRun(
        job.streams, round(tokens_per_s, 1), round(cpu_us, 1), round(ttft_p95_s * 1e3, 2),
        round(step_s * 1e3, 2), round(prefill_s * 1e3, 2),
    )  # fmt: skip


def _cpu_s() -> float:
    times = psutil.Process().cpu_times()
    return float(times.user + times.system)


def main() -> None:
    """Read a job (JSON) from stdin, print its result (JSON)."""
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "eugpt.settings")
    django.setup()
    result = measure(Job(**json.load(sys.stdin)))
    sys.stdout.write(json.dumps(asdict(result)) + "\n")


if __name__ == "__main__":
    main()
