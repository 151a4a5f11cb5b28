"""Contenders measured side by side: ready at the same time, one after the other, repeatedly.

The machine's speed changes over minutes, so a contender's runs are spread over the whole time and
the median of each number is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.benchmarks.contender import Spec, Worker
from inference.benchmarks.statistics import Measure, summarize, typical
from inference.benchmarks.workload import Encoder, Workload, make_workload


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure. `threads` is what each contender may use in all."""

    streams: Sequence[int]
    prompts: Sequence[int]
    new_tokens: int = 60
    rounds: int = 3
    repeats: int = 3
    threads: int = 2
    seed: int = 1

    def check(self, context_length: int, extra_tokens: int = 0) -> None:
        """Raise ValueError when a prompt and its reply do not fit the context."""
        needed = max(self.prompts) + self.new_tokens + extra_tokens
        if needed > context_length:
            raise ValueError(
                f"prompts of {max(self.prompts)} tokens and their replies need {needed} places, "
                f"the context has {context_length}"
            )

    def workload(self, tokenizer: Encoder, streams: int, prompt_tokens: int) -> Workload:
        return make_workload(
            tokenizer,
            streams=streams,
            prompt_tokens=prompt_tokens,
            rounds=self.rounds,
            new_tokens=self.new_tokens,
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One contender at one number of streams and one prompt length."""

    contender: str
    streams: int
    prompt_tokens: int
    measure: Measure
    repeats: list[float]  # tokens/s of each run
    cold: float  # tokens/s of the run before them, where a process meets the shapes first
    rss_mb: float
    start_s: float  # from starting the process to its first token
    facts: dict[str, Any] = field(default_factory=dict)


def numbers(text: str) -> list[int]:
    """Parse a list such as 1,8,32; raises ValueError."""
    found = [int(part) for part in text.split(",")]
    if min(found) < 1:
        raise ValueError("only numbers from 1")
    return found


def measure(
    specs: Sequence[Spec],
    plan: Plan,
    tokenizer: Encoder,
    logs: Path,
    tell: Callable[[str], None],
    prepare: Callable[[Worker, Workload], dict[str, Any]] | None = None,
) -> Iterator[Row]:
    """Run the plan; rows come as soon as they are complete.

    `prepare` may tune a worker for a workload before it is timed; what it returns becomes part of
    the row's facts. Raises `WorkerFailed`.
    """
    first = make_workload(tokenizer, streams=1, prompt_tokens=min(plan.prompts), new_tokens=1)
    for streams in plan.streams:
        fitting = [s for s in specs if not s.max_streams or streams <= s.max_streams]
        with ExitStack() as stack:
            workers = []
            for spec in fitting:
                tell(f"{streams} streams: starting {spec.name}")
                worker = Worker(
                    spec, first, logs / "workers.log", slots=streams, threads=plan.threads
                )
                workers.append(stack.enter_context(worker))
            for prompt_tokens in plan.prompts:
                workload = plan.workload(tokenizer, streams, prompt_tokens)
                tell(f"{streams} streams: measuring prompts of {prompt_tokens} tokens")
                cold = {w.spec.name: _run(w, workload)[0].tokens_per_s for w in workers}
                facts = {w.spec.name: prepare(w, workload) if prepare else {} for w in workers}
                yield from _rows(workers, workload, plan.repeats, cold, facts)


def _rows(
    workers: Sequence[Worker],
    workload: Workload,
    repeats: int,
    cold: dict[str, float],
    facts: dict[str, dict[str, Any]],
) -> Iterator[Row]:
    measures: dict[str, list[Measure]] = {w.spec.name: [] for w in workers}
    rss = {}
    for repeat in range(repeats):
        # Each repeat begins with another contender: who comes first after a pause gains nothing.
        turn = repeat % len(workers)
        for worker in [*workers[turn:], *workers[:turn]]:
            name = worker.spec.name
            measured, rss[name] = _run(worker, workload)
            measures[name].append(measured)
    for worker in workers:
        name = worker.spec.name
        known = {k: v for k, v in worker.facts.items() if k != "start_s"}
        yield Row(
            contender=name,
            streams=workload.streams,
            prompt_tokens=workload.prompt_tokens,
            measure=typical(measures[name]),
            repeats=[m.tokens_per_s for m in measures[name]],
            cold=cold[name],
            rss_mb=rss[name],
            start_s=worker.facts["start_s"],
            facts={**known, **facts[name]},
        )


def _run(worker: Worker, workload: Workload) -> tuple[Measure, float]:
    traces, rss_mb = worker.run(workload)
    return summarize(traces, is_streamed=worker.spec.is_streamed), rss_mb
