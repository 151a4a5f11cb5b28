"""The benchmark of second turns: with the keys and values of the first turn, and without."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from inference.benchmarks import machine
from inference.benchmarks.contender import Spec, Worker
from inference.benchmarks.report import align, write_json
from inference.benchmarks.session import Plan
from inference.benchmarks.statistics import percentile
from inference.benchmarks.workload import make_prompt, make_workload
from inference.tokenizer import Tokenizer

_FOLLOW_UP = "And what would you say to a friend who asked you the very same thing?"
_FOLLOW_UP_TOKENS = 14
# The end mark, the follow-up and the two tokens that answer it.
SECOND_TURN_TOKENS = 1 + _FOLLOW_UP_TOKENS + 2


def bench_conversations(
    specs: Sequence[Spec],
    plan: Plan,
    tokenizer: Tokenizer,
    out: Path,
    tell: Callable[[str], None],
) -> str:
    """Hold `plan.streams` conversations at a time; writes `conversation.json`, gives the table."""
    first = make_workload(tokenizer, streams=1, prompt_tokens=min(plan.prompts), new_tokens=1)
    results = []
    for spec in specs:
        for streams in plan.streams:
            tell(f"{streams} conversations: {spec.name}")
            with Worker(
                spec, first, out / "workers.log", slots=streams, threads=plan.threads
            ) as worker:
                results += [_converse(worker, plan, tokenizer, streams, p) for p in plan.prompts]
    write_json(
        out / "conversation.json", [], machine.describe(), plan=asdict(plan), conversations=results
    )
    return f"second turns, TTFT in ms\n{_table(results)}\n"


def _converse(
    worker: Worker, plan: Plan, tokenizer: Tokenizer, streams: int, prompt_tokens: int
) -> dict[str, Any]:
    """Compare second turns that continue a conversation with equally long ones that do not."""
    ours, others = (
        make_workload(
            tokenizer,
            streams=streams,
            prompt_tokens=prompt_tokens,
            new_tokens=plan.new_tokens,
            seed=seed,
        )
        for seed in (plan.seed, plan.seed + 1)
    )
    follow_up = make_prompt(tokenizer, _FOLLOW_UP, _FOLLOW_UP_TOKENS)
    ttft = worker.call(
        "converse",
        workload=ours,
        others=[turns[0] for turns in others.prompts],
        follow_up=follow_up,
    )
    return {
        "contender": worker.spec.name,
        "precision": worker.facts["precision"],
        "conversations": streams,
        "prompt_tokens": prompt_tokens,
        "second_tokens": prompt_tokens + plan.new_tokens + 1 + len(follow_up),
        "new_tokens": 1 + len(follow_up),
        "ttft_ms": ttft,
    }


def _table(results: Sequence[dict[str, Any]]) -> str:
    header = [
        "contender", "precision", "conversations", "first prompt", "second prompt", "of it new",
        "fresh p50", "p95", "continued p50", "p95", "fresh/continued",
    ]  # fmt: skip
    lines = [header]
    for result in results:
        fresh, continued = result["ttft_ms"]["fresh"], result["ttft_ms"]["continued"]
        times = [percentile(values, q) for values in (fresh, continued) for q in (50, 95)]
        names = list(result)[:6]
        lines.append(
            [
                *(str(result[name]) for name in names),
                *(f"{time:.1f}" for time in times),
                f"{times[0] / times[2]:.2f}",
            ]
        )
    return align(lines)
