"""`manage.py bench_engine`: how fast the bare engine is on this machine."""

from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from inference.benchmarks.contender import WorkerFailed
from inference.benchmarks.engine_bench import Options, bench
from inference.benchmarks.machine import cores
from inference.benchmarks.session import Plan, numbers
from inference.benchmarks.step_profile import profile
from inference.checkpoint_io import CheckpointError


class Command(BaseCommand):
    help = "Measure the bare engine, without Redis and database: table, JSON and picture."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--streams", type=numbers, default=[1, 8, 32, 64])
        parser.add_argument("--prompts", type=numbers, default=[30, 300], help="lengths in tokens")
        parser.add_argument("--new-tokens", type=int, default=60)
        parser.add_argument(
            "--precision", default=settings.PRECISION, help="one or more: fp32,bf16,int8,auto"
        )
        parser.add_argument("--threads", type=int, default=settings.ENGINE_THREADS or cores())
        parser.add_argument("--checkpoint", type=Path, default=settings.MODELS_DIR / settings.MODEL)
        parser.add_argument("--rounds", type=int, default=3, help="requests of each stream")
        parser.add_argument("--repeats", type=int, default=3, help="runs; the median is shown")
        parser.add_argument("--out", type=Path, help="default: var/bench/engine-TIME")
        parser.add_argument(
            "--baselines", action="store_true", help="measure two plain PyTorch loops beside it"
        )
        parser.add_argument(
            "--conversation", action="store_true", help="TTFT of second turns, continued and fresh"
        )

        parser.add_argument(
            "--profile", action="store_true", help="where the time of a decode step goes"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["profile"]:
            self._profile(options)
            return
        name = f"engine-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
        out = options["out"] or settings.VAR_DIR / "bench" / name
        plan = Plan(
            options["streams"], options["prompts"], options["new_tokens"], options["rounds"],
            options["repeats"], options["threads"],
        )  # fmt: skip
        asked = Options(
            options["checkpoint"], out, plan, options["precision"].split(","),
            options["baselines"], options["conversation"],
        )  # fmt: skip
        try:
            self.stdout.write(bench(asked, self.stderr.write))
        except (CheckpointError, WorkerFailed, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"written to {out}")

    def _profile(self, options: dict[str, Any]) -> None:
        try:
            for precision in options["precision"].split(","):
                self.stdout.write(
                    profile(
                        options["checkpoint"],
                        precision=precision,
                        streams=options["streams"],
                        threads=options["threads"],
                        prompt_tokens=options["prompts"][0],
                    )
                )
        except (CheckpointError, ValueError) as error:
            raise CommandError(str(error)) from error
