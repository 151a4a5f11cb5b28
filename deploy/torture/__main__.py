"""`python -m deploy.torture`: run it, print the table, write the report; exit code 1 on failure."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from deploy.local import launcher, processes
from deploy.local.errors import SetupError
from deploy.local.paths import ROOT
from deploy.torture import faults, report
from deploy.torture.faults import Planned
from deploy.torture.installation import Installation, Size
from deploy.torture.run import Plan, torture


def main() -> int:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(prog="python -m deploy.torture", description=__doc__)
    add_options(parser)
    options = parser.parse_args()
    return run_torture(options, Installation, faults.SHORT if options.short else faults.FULL)


def run_torture(
    options: argparse.Namespace,
    new_installation: Callable[[Path, Size], Installation],
    planned: Sequence[Planned],
) -> int:
    """Do these faults to a new installation; returns the exit code."""
    launcher.stop_on_signals()
    processes.adopt_orphans()
    try:
        with ExitStack() as stack:
            name = stack.enter_context(tempfile.TemporaryDirectory(prefix="eugpt-torture-"))
            stack.callback(processes.end_descendants)
            folder = Path(name)
            folder.chmod(0o755)  # root's PostgreSQL runs as another user
            size = Size(options.model.resolve(), options.slots, options.queue_limit)
            installation = new_installation(folder, size)
            stack.callback(installation.stop)
            return _run(options, installation, planned, stack)
    except SetupError as error:
        print(f"torture | {error}", file=sys.stderr)
    except launcher.Stopped:
        pass
    return 1


def _run(
    options: argparse.Namespace,
    installation: Installation,
    planned: Sequence[Planned],
    stack: ExitStack,
) -> int:
    out: Path = options.out / time.strftime("%Y%m%d-%H%M%S")
    out.mkdir(parents=True, exist_ok=True)
    stack.callback(installation.keep_logs, out / "log")
    installation.start()
    # The first one is none: the clients must be under way when the first harm is done.
    chosen = [fault for fault in planned if fault is planned[0] or options.only in fault.name]
    plan = Plan(options.seed, options.clients, chosen, out, options.pace)
    result = asyncio.run(torture(installation, plan))
    (out / "torture.json").write_text(json.dumps(result.to_dict(), indent=1))
    (out / "report.html").write_text(report.page(result), encoding="utf-8")
    print(report.table(result))
    print(f"torture | The report: {out / 'report.html'}")
    return 0 if result.is_good else 1


def add_options(parser: argparse.ArgumentParser) -> None:
    """What every run can be told."""
    parser.add_argument("--seed", type=int, default=1, help="of prompts, params, think times")
    parser.add_argument("--clients", type=int, default=40)
    parser.add_argument("--short", action="store_true", help="the most important faults only")
    parser.add_argument("--only", default="", help="faults whose name contains this")
    parser.add_argument("--pace", type=float, default=1.0, help="stretches the time after a fault")
    parser.add_argument("--slots", type=int, default=Size.slots, help="of each worker")
    parser.add_argument("--queue-limit", type=int, default=Size.queue_limit)
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "eugpt-36m")
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "torture")


if __name__ == "__main__":
    sys.exit(main())
