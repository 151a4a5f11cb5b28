"""`python -m deploy.scaling`: measure, draw and tell, or compute what so many people need."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deploy.local import launcher, processes
from deploy.local.errors import SetupError
from deploy.local.paths import ROOT
from deploy.scaling import tables
from deploy.scaling.experiments import EXPERIMENTS, FULL, SMALL
from deploy.scaling.model import MEASURED, Assumptions, Measured, capacity_table
from deploy.scaling.site import Site, cores_here

OUT = ROOT / "var" / "bench" / "scale"


def main() -> int:
    """Parse the command line and do it; SetupError becomes one sentence and exit code 1."""
    options = _parser().parse_args()
    if options.command == "model":
        return _model(options)
    launcher.stop_on_signals()
    processes.adopt_orphans()
    try:
        return _measure(options)
    except SetupError as error:
        print(f"scale  | {error}", file=sys.stderr)
    except launcher.Stopped:
        pass
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.scaling", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    measure = commands.add_parser("measure", help="run the experiments on a fresh EuGPT")
    measure.add_argument("--only", default="", help=f"names, of {', '.join(EXPERIMENTS)}")
    measure.add_argument("--small", action="store_true", help="see that it runs; no real numbers")
    measure.add_argument("--again", action="store_true", help="keep what --out has, add the rest")
    measure.add_argument("--budget", type=float, default=1800, help="begin nothing after seconds")
    measure.add_argument("--out", type=Path, default=OUT, help="a folder")
    model = commands.add_parser("model", help="cores and cost for so many daily users")
    model.add_argument("--measured", type=Path, default=MEASURED, help="a file of `measure`")
    for name, value in Assumptions().items():
        model.add_argument(f"--{name.replace('_', '-')}", type=float, default=value)
    return parser


def _model(options: argparse.Namespace) -> int:
    if not options.measured.is_file():
        print(f"scale  | there is no {options.measured}: run `make bench-scale`", file=sys.stderr)
        return 1
    said = {name: getattr(options, name) for name in dict(Assumptions().items())}
    measured = Measured.of(json.loads(options.measured.read_text(encoding="utf-8")))
    print(capacity_table(measured, Assumptions(**said)))
    return 0


def _measure(options: argparse.Namespace) -> int:
    names = [name for name in options.only.split(",") if name] or list(EXPERIMENTS)
    if unknown := set(names) - set(EXPERIMENTS):
        raise SetupError(f"There is no experiment {', '.join(sorted(unknown))}.")
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    file = out / "scale.json"
    results: dict[str, Any] = {}
    if options.again and file.is_file():
        results = json.loads(file.read_text(encoding="utf-8"))
        names = [name for name in names if name not in results]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="eugpt-scale-")))
        stack.callback(processes.end_descendants)
        folder.chmod(0o755)  # root's PostgreSQL runs as another user
        site = stack.enter_context(Site(folder, {}))
        _run(names, site, options, results, file)
    _show(results, out)
    return 0 if set(names) <= set(results) else 1


def _run(
    names: list[str], site: Site, options: argparse.Namespace, results: dict[str, Any], file: Path
) -> None:
    """One experiment after the other; each one's numbers are on disk before the next begins."""
    start, size = time.monotonic(), SMALL if options.small else FULL
    for name in names:
        if time.monotonic() - start > options.budget:
            print(f"scale  | no time is left for {name}", flush=True)
            continue
        began = time.monotonic()
        results[name] = EXPERIMENTS[name](site, size)
        results["machine"] = _machine(options.small)
        file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        print(f"scale  | {name}: {time.monotonic() - began:.0f} s", flush=True)


def _machine(is_small: bool) -> dict[str, Any]:
    return {
        "cores": len(cores_here()),
        "processor": platform.processor() or platform.machine(),
        "load_average": round(os.getloadavg()[0], 2),
        "date": time.strftime("%Y-%m-%d"),
        "is_small": is_small,
    }


def _show(results: dict[str, Any], out: Path) -> None:
    text = tables.markdown(results)
    (out / "scale.md").write_text(text, encoding="utf-8")
    print(text)
    try:
        from deploy.scaling.draw import write_png
    except ImportError:
        print("scale  | no picture: matplotlib is not installed", file=sys.stderr)
    else:
        write_png(results, out / "scale.png")
    if {"web", "memory"} <= set(results):
        costs = json.dumps(asdict(Measured.of(results)), indent=1)
        (out / "model.json").write_text(costs + "\n", encoding="utf-8")
    print(f"scale  | {out}/scale.json, model.json, scale.md, scale.png")


if __name__ == "__main__":
    sys.exit(main())
