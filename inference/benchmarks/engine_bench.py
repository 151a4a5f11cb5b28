"""The benchmark of the bare engine: which contenders, which tables, which files.

Called by `manage.py bench_engine`; knows no Django itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from inference import checkpoint_io
from inference.benchmarks import machine
from inference.benchmarks.contender import Spec
from inference.benchmarks.conversation_bench import SECOND_TURN_TOKENS, bench_conversations
from inference.benchmarks.report import table, write_json
from inference.benchmarks.session import Plan, Row, measure

WORKER = "inference.benchmarks.engine_worker"
# The ancestor has a lock: eight streams got 0.99 times the tokens/s of one, and waited 14 s.
_ANCESTOR_MAX_STREAMS = 1

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What `bench_engine` was asked for."""

    checkpoint: Path
    out: Path
    plan: Plan
    precisions: Sequence[str]
    has_baselines: bool = False
    is_conversation: bool = False


def bench(options: Options, tell: Tell) -> str:
    """Run and write `engine.json` and `engine.png` (or `conversation.json`); returns the table.

    Raises `CheckpointError`, `WorkerFailed` and, for what does not fit, ValueError.
    """
    checkpoint = checkpoint_io.verify(options.checkpoint)
    tokenizer = checkpoint.tokenizer()
    extra_tokens = SECOND_TURN_TOKENS if options.is_conversation else 0
    options.plan.check(checkpoint.config.context_length, extra_tokens)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "workers.log").write_bytes(b"")
    specs = engine_specs(options.checkpoint, options.precisions)
    about = heading(checkpoint.name, options.plan)
    if options.is_conversation:
        turns = bench_conversations(specs, options.plan, tokenizer, options.out, tell)
        return f"{about}\n\n{turns}"
    baselines = []
    if options.has_baselines:
        specs += baseline_specs(options.checkpoint)
        baselines = ["naive", "ancestor"]
    rows = list(measure(specs, options.plan, tokenizer, options.out, tell))
    write_json(
        options.out / "engine.json", rows, machine.describe(),
        checkpoint=checkpoint.name, plan=asdict(options.plan),
    )  # fmt: skip
    draw(rows, f"EuGPT's engine, {checkpoint.name}", options.out / "engine.png", tell)
    return f"{about}\n\n{table(rows, baselines)}"


def engine_specs(checkpoint: Path, precisions: Sequence[str]) -> list[Spec]:
    folder = str(checkpoint.resolve())
    return [
        Spec(f"eugpt {p}", WORKER, {"kind": "eugpt", "checkpoint": folder, "precision": p})
        for p in precisions
    ]


def baseline_specs(checkpoint: Path) -> list[Spec]:
    folder = str(checkpoint.resolve())
    return [
        Spec("naive", WORKER, {"kind": "naive", "checkpoint": folder}),
        Spec(
            "ancestor", WORKER, {"kind": "ancestor", "checkpoint": folder},
            max_streams=_ANCESTOR_MAX_STREAMS,
        ),
    ]  # fmt: skip


def heading(name: str, plan: Plan) -> str:
    """Name the machine and the workload in two lines."""
    about = machine.describe()
    return (
        f"{name} on {about['processor']} ({', '.join(about.get('flags', []))}), "
        f"{about['cores']} cores, torch {about['torch']}, {about.get('revision', 'no revision')}\n"
        f"{plan.threads} threads, {plan.new_tokens} new tokens, top-k 40, temperature 0.7; "
        f"{plan.rounds} rounds, median of {plan.repeats} runs"
    )


def draw(rows: Sequence[Row], title: str, path: Path, tell: Tell) -> None:
    """Draw the picture where matplotlib is installed."""
    try:
        from inference.benchmarks.plot import plot_rows
    except ImportError:
        tell("no picture: matplotlib is missing (pip install -r requirements-dev.txt)")
        return
    plot_rows(rows, title, path)
