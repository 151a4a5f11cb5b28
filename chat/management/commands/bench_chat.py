"""`manage.py bench_chat`: load the sockets of a running EuGPT (`make bench-chat` starts one)."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chat.benchmarks import report
from chat.benchmarks.client import Load, Measured, Plan
from chat.benchmarks.engine import EngineRun, Job, engine_run
from chat.benchmarks.idle import IdleCost, IdleSockets
from chat.benchmarks.processes import CpuClock

PROMPTS = Path(__file__).parents[2] / "benchmarks" / "prompts.txt"


class Command(BaseCommand):
    help = "Measure time to first token, pace, errors, lost or doubled tokens and CPU under load."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", default="ws://127.0.0.1:8000/ws/chat/")
        parser.add_argument("--clients", type=int, default=32, help="sockets, one reply at a time")
        parser.add_argument("--seconds", type=float, default=30, help="length of the measurement")
        parser.add_argument("--warmup", type=float, default=3, help="seconds before it")
        parser.add_argument("--new-tokens", type=int, default=60, help="length of every reply")
        parser.add_argument("--open", action="store_true", help="replies end by themselves")
        parser.add_argument("--members", action="store_true", help="registered users, not guests")
        parser.add_argument("--check-ids", action="store_true", help="count token ids (logprobs)")
        parser.add_argument("--prompts", type=Path, default=PROMPTS, help="a file, one a line")
        parser.add_argument(
            "--engine", action="store_true",
            help="run the bare engine before and after; needs the settings of the running EuGPT",
        )  # fmt: skip
        parser.add_argument(
            "--idle", type=int, default=0,
            help="measure once more beside so many sockets that only stay open",
        )  # fmt: skip
        parser.add_argument("--engine-seconds", type=float, default=10)
        parser.add_argument("--json", type=Path, help="write the numbers here")
        parser.add_argument("--png", type=Path, help="draw them here (needs matplotlib)")

    def handle(self, *args: Any, **options: Any) -> None:
        plan = _plan(options)
        clock = CpuClock(plan.url)
        runs = [self._engine(plan, options)] if options["engine"] else []
        measured = uvloop.run(Load(plan).run(clock.read))
        if options["engine"]:
            runs.append(self._engine(plan, options))
        numbers = report.summarize(plan, measured, clock.seconds())
        if options["idle"]:
            numbers = self._beside_idle(plan, numbers, options["idle"])
        numbers["worker_memory_mb"] = round(clock.worker_memory_bytes / 2**20)
        if runs:
            numbers["engine"] = report.compare(numbers, runs)
        self.stdout.write(report.table(numbers))
        if options["json"]:
            report.write_json(numbers, options["json"])
        if options["png"]:
            report.write_png(numbers, measured, options["png"])
        if not numbers["replies"]:
            raise CommandError("no reply ended in the window")
        if any(numbers["faults"].values()):
            raise CommandError("tokens were lost, doubled or out of order")

    def _beside_idle(self, plan: Plan, alone: dict[str, Any], count: int) -> dict[str, Any]:
        """The numbers of a second run beside idle sockets, compared with the first."""
        clock = CpuClock(plan.url)

        async def run() -> tuple[Measured, IdleCost]:
            async with IdleSockets(plan.url, count, clock.web_memory_bytes) as cost:
                return await Load(plan).run(clock.read), cost

        self.stderr.write(f"{count} idle sockets ...")
        measured, cost = uvloop.run(run())
        beside = report.summarize(plan, measured, clock.seconds())
        return beside | {"idle": report.compare_idle(alone, beside, cost)}

    def _engine(self, plan: Plan, options: dict[str, Any]) -> EngineRun:
        streams = min(plan.clients, settings.SLOTS)
        self.stderr.write(f"the bare engine with {streams} streams ...")
        job = Job(list(plan.prompts), streams, options["engine_seconds"], plan.new_tokens)
        try:
            return engine_run(job)
        except RuntimeError as error:
            raise CommandError(str(error)) from error


def _plan(options: dict[str, Any]) -> Plan:
    try:
        lines = options["prompts"].read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise CommandError(f"the prompts cannot be read: {error}") from error
    prompts = [line.strip() for line in lines if line.strip()]
    if not prompts:
        raise CommandError(f"{options['prompts']} has no prompt")
    return Plan(
        url=options["url"],
        prompts=prompts,
        clients=options["clients"],
        seconds=options["seconds"],
        warmup_s=options["warmup"],
        new_tokens=None if options["open"] else options["new_tokens"],
        members=options["members"],
        check_ids=options["check_ids"],
    )
