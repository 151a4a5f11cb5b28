"""`make test`: every check, each named and timed; what failed is said again at the end."""

import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from deploy.local.launcher import base_env
from deploy.local.paths import ROOT

PYTHON = sys.executable
BIN = Path(PYTHON).parent


@dataclass(frozen=True)
class Step:
    """One check: what it is called in the output and the command that fails when it does."""

    name: str
    command: tuple[str, ...]


def _frontend(script: str) -> tuple[str, ...]:
    return (PYTHON, "-m", "deploy.local", "frontend", script)


STEPS = (
    Step("lint", (f"{BIN}/ruff", "check", ".")),
    Step("format", (f"{BIN}/ruff", "format", "--check", ".")),
    Step("import contracts", (f"{BIN}/lint-imports",)),
    Step("types", (f"{BIN}/mypy",)),
    Step("secrets", (PYTHON, "-m", "deploy.secret_scan")),
    Step("front end: lint", _frontend("lint")),
    Step("front end: types", _frontend("typecheck")),
    Step("front end: tests", _frontend("test")),
    Step("front end: build", _frontend("build")),
    Step("front end: weight", _frontend("weight")),
    # `make e2e` runs the long journeys, too.
    Step("python tests", (PYTHON, "-m", "pytest", "-m", "not long")),
)


# Lines of a failed step that are repeated at the end.
TAIL_LINES = 60


def main(steps: Sequence[Step] = STEPS) -> int:
    """Run all steps, also after a failure; returns 1 when any failed."""
    failed = {step.name: tail for step in steps if (tail := _failure(step)) is not None}
    for name, tail in list(failed.items())[:-1]:
        print(f"\n=== the end of {name}:\n{tail}", file=sys.stderr)
    if failed:
        print(f"\nFAILED: {', '.join(failed)}", file=sys.stderr)
        return 1
    return 0


def _failure(step: Step) -> str | None:
    """Run one step and show what it says; the end of that when it fails, else None."""
    print(f"\n=== {step.name}: {' '.join(step.command)}", flush=True)
    started = time.monotonic()
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    process = subprocess.Popen(
        step.command,
        cwd=ROOT,
        env=base_env() | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    # In a thread: a server that a broken test left behind keeps the pipe open for ever.
    reader = Thread(target=_show, args=(process, tail), daemon=True)
    reader.start()
    code = process.wait()
    reader.join(timeout=5)
    verdict = "ok" if code == 0 else f"FAILED (exit code {code})"
    print(f"=== {step.name}: {verdict} in {time.monotonic() - started:.0f} s", flush=True)
    return "".join(tail) if code else None


def _show(process: subprocess.Popen[str], tail: deque[str]) -> None:
    assert process.stdout
    with process.stdout as lines:
        for line in lines:
            print(line, end="", flush=True)
            tail.append(line)


if __name__ == "__main__":
    sys.exit(main())
