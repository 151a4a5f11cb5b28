"""The worker process of everything that runs on torch: our engine and the plain loops beside it.

`python -m inference.benchmarks.engine_worker`, spoken to by `contender.Worker`. Knows no Django.
"""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from typing import Any

import torch

from inference import checkpoint_io
from inference.benchmarks.baselines import Ancestor, Naive
from inference.benchmarks.contender import Contender, serve
from inference.benchmarks.conversation import second_turns
from inference.benchmarks.workload import Trace, Workload
from inference.checkpoint_io import Checkpoint
from inference.engine.engine import Engine
from inference.engine.loading import load_engine
from inference.engine.params import SamplingParams


class EuGPT:
    """Our engine, stepped as its thread does it, without Redis and readers."""

    def __init__(self, checkpoint: Checkpoint, *, slots: int, threads: int, precision: Any) -> None:
        self._engine: Engine = load_engine(
            checkpoint, slots=slots, threads=threads, precision=precision
        )
        self._runs = 0
        self._precision = precision

    def facts(self) -> dict[str, Any]:
        return {
            "precision": getattr(self._engine, "precision", self._precision),
            "threads": torch.get_num_threads(),
            "slots": self._engine.config.slots,
        }

    def run(self, workload: Workload) -> list[Trace]:
        self._runs += 1
        return ClosedLoop(self._engine, workload, f"run-{self._runs}").run()

    def converse(
        self, workload: Workload, others: list[list[int]], follow_up: list[int]
    ) -> dict[str, list[float]]:
        """Measure second turns: see `conversation.second_turns`."""
        return second_turns(self._engine, workload, others, follow_up)


class ClosedLoop:
    """One workload on an engine: each stream sends its next prompt when its reply is complete."""

    def __init__(self, engine: Engine, workload: Workload, name: str) -> None:
        self._engine = engine
        self._workload = workload
        self._name = name
        self._waiting = [deque(enumerate(turns)) for turns in workload.prompts]
        self._stream_of: dict[str, int] = {}
        self._traces: dict[str, Trace] = {}

    def run(self) -> list[Trace]:
        """Returns the traces in the order of submission; raises when a reply is cut short."""
        for stream in range(self._workload.streams):
            self._submit(stream)
        while not self._engine.is_idle:
            outputs = self._engine.step()
            now = time.perf_counter()
            for output in outputs:
                trace = self._traces[output.request_id]
                trace.token_times_s.extend([now] * len(output.token_ids))
                if output.finish:
                    self._finish(output.request_id, output.finish)
        return list(self._traces.values())

    def _finish(self, request_id: str, finish: str) -> None:
        if finish != "length":
            raise RuntimeError(f"a reply ended with {finish!r} before its last token")
        self._submit(self._stream_of[request_id])

    def _submit(self, stream: int) -> None:
        if not self._waiting[stream]:
            return
        turn, prompt = self._waiting[stream].popleft()
        request_id = f"{self._name}-{stream}-{turn}"
        self._stream_of[request_id] = stream
        self._traces[request_id] = Trace(time.perf_counter(), [])
        params = SamplingParams(
            temperature=self._workload.temperature,
            top_k=self._workload.top_k,
            max_tokens=self._workload.new_tokens,
            min_tokens=self._workload.new_tokens,
            seed=self._workload.seed_of(stream, turn),
        )
        self._engine.submit(request_id, prompt, params)


def open_contender(options: dict[str, Any]) -> Contender:
    checkpoint = checkpoint_io.verify(Path(options["checkpoint"]))
    threads = options["threads"]
    if options["kind"] == "ancestor":
        return Ancestor(checkpoint, threads=threads)
    if options["kind"] == "naive":
        return Naive(checkpoint, threads=threads)
    return EuGPT(
        checkpoint, slots=options["slots"], threads=threads, precision=options["precision"]
    )


if __name__ == "__main__":
    serve(open_contender)
