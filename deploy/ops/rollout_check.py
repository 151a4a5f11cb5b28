"""`make rollout-check`: a release is rolled out under load, with the processes themselves.

The order of rollout.sh (migrations, workers, webs, jobs, beat; one after the other) on a fresh
installation of `deploy.torture`, while its clients ask over every transport. Nothing may be lost,
doubled or begun anew, and nobody may be told of a failure.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from deploy.local import launcher, processes
from deploy.local.errors import SetupError
from deploy.local.paths import ROOT
from deploy.torture import report
from deploy.torture.faults import Planned, Stage, calm, roll_webs, roll_workers
from deploy.torture.installation import OTHERS, Installation, Size
from deploy.torture.result import Result
from deploy.torture.run import Plan, torture

# What an update must show nobody; `refused` prompts are tried again by themselves.
NEVER = ("lost", "doubled", "foreign", "hung", "restarted", "clear_failure")


async def release(stage: Stage) -> None:
    """The migrations and the checkpoint, while everything serves."""
    stage.mark(stage.crowd.under_way())
    await asyncio.to_thread(stage.installation.release_again)


async def roll_others(stage: Stage) -> None:
    """jobs, then beat."""
    stage.mark(stage.crowd.under_way())
    for name in OTHERS:
        await asyncio.to_thread(stage.installation.roll, name)


ORDER = (
    Planned("before", calm, 8),
    Planned("release: migrations, checkpoint", release, 4),
    Planned("workers, one by one", roll_workers, 6),
    Planned("webs, one by one", roll_webs, 6),
    Planned("jobs, then beat", roll_others, 10),
)


def problems(result: Result) -> list[str]:
    """What went wrong, in words."""
    counts = {name: result.total(name) for name in NEVER}
    found = [f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count]
    exits = [f"{name} ended by itself" for name in result.unexpected_exits]
    return [*found, *exits, *result.complaints]


def main() -> int:
    """Run it, print the table; exit code 1 when somebody would have noticed."""
    parser = argparse.ArgumentParser(prog="python -m deploy.ops.rollout_check", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--pace", type=float, default=1.0, help="stretches the time between steps")
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "eugpt-36m")
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "rollout")
    options = parser.parse_args()
    launcher.stop_on_signals()
    processes.adopt_orphans()
    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="eugpt-rollout-")))
            stack.callback(processes.end_descendants)
            folder.chmod(0o755)  # root's PostgreSQL runs as another user
            return _run(options, folder, stack)
    except SetupError as error:
        print(f"rollout | {error}", file=sys.stderr)
    except launcher.Stopped:
        pass
    return 1


def _run(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    installation = Installation(folder, Size(options.model.resolve()))
    stack.callback(installation.stop)
    out: Path = options.out / time.strftime("%Y%m%d-%H%M%S")
    out.mkdir(parents=True, exist_ok=True)
    stack.callback(installation.keep_logs, out / "log")
    installation.start()
    plan = Plan(options.seed, options.clients, ORDER, out, options.pace)
    result = asyncio.run(torture(installation, plan))
    (out / "rollout.json").write_text(json.dumps(result.to_dict(), indent=1))
    print(report.table(result))
    found = problems(result)
    for problem in found:
        print(f"rollout | WRONG: {problem}")
    print(f"rollout | {'nobody has noticed it' if not found else 'somebody has noticed it'}: {out}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
