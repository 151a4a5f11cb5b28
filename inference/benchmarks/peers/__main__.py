"""`python -m inference.benchmarks.peers`, which `make bench-peers` calls: all side by side."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from inference import checkpoint_io
from inference.benchmarks import machine
from inference.benchmarks.contender import Spec, Worker, WorkerFailed
from inference.benchmarks.engine_bench import baseline_specs, draw, engine_specs, heading
from inference.benchmarks.peers.goals import goals_table
from inference.benchmarks.peers.models import Models
from inference.benchmarks.peers.proof import NotProven, prove
from inference.benchmarks.report import table, write_json
from inference.benchmarks.session import Plan, Row, measure, numbers
from inference.benchmarks.workload import Workload
from inference.checkpoint_io import Checkpoint, CheckpointError

_BENCH = machine.ROOT / "var" / "bench"
_PROMPT_TOKENS = 30


def parse(arguments: list[str]) -> Namespace:
    parser = ArgumentParser(prog="make bench-peers", description="EuGPT beside its peers.")
    parser.add_argument("--checkpoint", type=Path, default=machine.ROOT / "models" / "eugpt-36m")
    parser.add_argument("--streams", type=numbers, default=[1, 8, 32, 64])
    parser.add_argument(
        "--precision", default="auto", help="of EuGPT: one or more, the first counts"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path)
    parser.add_argument(
        "--extra-buffers", action="store_true", help="let llama.cpp repack weights (AMX may crash)"
    )
    parser.add_argument("--no-baselines", action="store_true")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> str:
    """Convert, prove, tune, measure; returns what is printed."""
    options = parse(arguments)
    python = _BENCH / "peers-venv" / "bin" / "python"
    if not python.exists():
        sys.exit("EuGPT: the peers are not installed; use: make bench-peers")
    checkpoint = checkpoint_io.verify(options.checkpoint)
    out = options.out or _BENCH / f"peers-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    out.mkdir(parents=True, exist_ok=True)
    models = Models(checkpoint, _BENCH / "peers-models", python)
    threads = options.threads
    peers = [
        models.llama_cpp(extra_buffers=options.extra_buffers),
        *(models.ctranslate2(workers, threads) for workers in sorted({1, threads})),
    ]
    # Both forms of CTranslate2 read the same model.
    proof = prove(checkpoint, models, peers[:2], threads, out / "workers.log", tell)
    return f"{proof}\n\n{_measure(options, checkpoint, peers, out, proof)}\nwritten to {out}"


def _measure(
    options: Namespace, checkpoint: Checkpoint, peers: list[Spec], out: Path, proof: str
) -> str:
    plan = Plan(
        options.streams, [_PROMPT_TOKENS],
        rounds=options.rounds, repeats=options.repeats, threads=options.threads,
    )  # fmt: skip
    plan.check(checkpoint.config.context_length)
    ours = engine_specs(options.checkpoint, options.precision.split(","))
    plain = [] if options.no_baselines else baseline_specs(options.checkpoint)
    names = [p.name for p in peers]
    rows = list(measure([*ours, *peers, *plain], plan, checkpoint.tokenizer(), out, tell, _tune))
    about = heading(checkpoint.name, plan)
    write_json(
        out / "peers.json", rows, machine.describe(), proof=proof.splitlines(), plan=asdict(plan)
    )
    draw(rows, f"EuGPT beside its peers, {checkpoint.name}", out / "peers.png", tell)
    goals = goals_table(rows, ours[0].name, names, "ancestor")
    columns = [*names, "naive", "ancestor"] if plain else names
    return (
        f"{about}\n\n{table(rows, columns)}\n{_settings(rows)}\n\n"
        f"{ours[0].name} against its goals\n{goals}"
    )


def _settings(rows: list[Row]) -> str:
    """Tell which settings each tuned peer was measured with."""
    return "\n".join(
        f"{r.contender} at {r.streams}: "
        + ", ".join(f"{name} {value}" for name, value in r.facts["settings"].items())
        for r in rows
        if "settings" in r.facts
    )


def _tune(worker: Worker, workload: Workload) -> dict[str, Any]:
    if not worker.spec.is_tunable:
        return {}
    tuned: dict[str, Any] = worker.call("tune", workload=workload)
    return tuned


def tell(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    try:
        sys.stdout.write(main(sys.argv[1:]) + "\n")
    except (CheckpointError, NotProven, WorkerFailed, ValueError) as error:
        sys.exit(f"EuGPT: {error}")
