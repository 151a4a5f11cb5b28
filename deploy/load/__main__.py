"""`python -m deploy.load load|soak|report`: load it, write the report; exit code 1 on a fault."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from deploy.load import leftovers, report
from deploy.load.leftovers import Hour, Left
from deploy.load.run import DEFAULTS, locust, new_folder, target
from deploy.load.samples import Sampler
from deploy.local import launcher
from deploy.local.errors import SetupError
from deploy.local.paths import ROOT


def main() -> int:
    """Parse the command line and do it; arguments that are not ours are Locust's."""
    parser = _parser()
    options, others = parser.parse_known_args()
    if options.command == "report":
        return _say(report.write(options.folder), options.folder)
    try:
        folder = new_folder(options.command, options.out)
        meta = _run(options, others, folder)
        (folder / report.META).write_text(json.dumps(meta, indent=2), encoding="utf-8")
        return _say(report.write(folder), folder)
    except (SetupError, ValueError) as error:
        print(f"load   | {error}", file=sys.stderr)
    except launcher.Stopped:
        pass
    return 1


def _run(options: argparse.Namespace, others: list[str], folder: Path) -> dict[str, Any]:
    """Load EuGPT, sample it, look what is left behind; the facts that the logs do not tell."""
    is_soak = options.command == "soak"
    meta: dict[str, Any] = {
        "kind": options.command,
        "host": options.host,
        "begun": time.strftime("%Y-%m-%d %H:%M:%S"),
        "load_before": round(os.getloadavg()[0], 2),
        "left_behind": [],
    }
    with ExitStack() as stack:
        url, env = stack.enter_context(target(options.host, DEFAULTS[options.command]))
        before = leftovers.look(url, env) if is_soak and env else None
        if before:
            stack.enter_context(Hour(env["REDIS_URL"]))
        with Sampler(url, folder):
            meta["exit_code"] = locust(url, folder, [*_arguments(options, folder), *others])
        if before:
            meta |= _left(url, env, before)
    return meta


def _left(url: str, env: Any, before: Left) -> dict[str, Any]:
    print(f"load   | Looking what is left behind (at most {leftovers.SETTLE_S:.0f} s)", flush=True)
    left, found = leftovers.settle(url, env, before, leftovers.SETTLE_S)
    return {"left_behind": found, "before": before.as_json(), "after": left.as_json()}


def _arguments(options: argparse.Namespace, folder: Path) -> list[str]:
    """Locust's own arguments."""
    users, rate = str(options.users), str(options.spawn_rate)
    run_time = f"{options.minutes * 60:.0f}s" if options.minutes else options.run_time
    arguments = ["-u", users, "-r", rate, "-t", run_time, "--logfile", str(folder / "locust.log")]
    if options.page:
        return [*arguments, "--web-host", "127.0.0.1", "--autostart", "--autoquit", "5"]
    return [*arguments, "--headless", "--only-summary", "--csv", str(folder / "locust")]


def _say(faults: list[str], folder: Path) -> int:
    print((folder / "report.md").read_text(encoding="utf-8"))
    print(f"The report is in {folder}: report.md, report.json, report.png")
    for fault in faults:
        print(f"FAULT: {fault}")
    return 1 if faults else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.load", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    load = commands.add_parser("load", help="a load test; further arguments are Locust's")
    soak = commands.add_parser("soak", help="the same for long, and judged: does anything grow?")
    for command, users, run_time in ((load, 40, "2m"), (soak, 24, "20m")):
        command.add_argument("--host", default="", help="a running EuGPT (default: a fresh one)")
        command.add_argument("-u", "--users", type=int, default=users, help="people at a time")
        command.add_argument("-r", "--spawn-rate", type=float, default=2, help="people a second")
        command.add_argument("-t", "--run-time", default=run_time, help="for example 90s, 5m")
        command.add_argument("--minutes", type=float, default=0, help="instead of --run-time")
        command.add_argument("--page", action="store_true", help="Locust's page on port 8089")
        command.add_argument("--out", type=Path, default=ROOT / "var" / "load")
    again = commands.add_parser("report", help="make a report anew from its logs")
    again.add_argument("folder", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
