"""What a soak is judged by: the memory, files and threads of each part, and new starts.

PostgreSQL has a process for each connection, and their number follows how many wait at a time: its
memory is judged for each process (times their usual number), its files and threads are not.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from deploy.load import flat
from deploy.load.figures import Part, Run

# Of a part's private memory, an hour: 2.6 MB in what 20 minutes leave after the warm-up.
TOLERANCE_MB_H = 12.0
# Two replies a second are 7,000 an hour: a file or thread kept by every hundredth shows.
TOLERANCE_HANDLES_H = 60.0
_JUDGED = (
    ("private_mb", "MB", TOLERANCE_MB_H, 3.0),
    ("files", "open files", TOLERANCE_HANDLES_H, 6.0),
    ("threads", "threads", TOLERANCE_HANDLES_H, 6.0),
)
_BY_PROCESS = "postgres"


def judge(run: Run) -> tuple[dict[str, Any], list[str]]:
    """Every verdict by part and column, and in words what grew or was started anew."""
    verdicts: dict[str, Any] = {}
    faults: list[str] = []
    for name, part in sorted(run.parts.items()):
        if name == "locust":
            continue
        verdicts[name] = {}
        for column, unit, tolerance, least in _JUDGED[: 1 if name == _BY_PROCESS else None]:
            verdict = flat.judge(part.t, line_of(name, part, column), run.seconds, tolerance, least)
            if verdict is None:
                faults.append(f"{name}: too few samples to judge {column}")
                continue
            verdicts[name][column] = asdict(verdict) | {"grows": verdict.grows}
            if verdict.grows:
                faults.append(
                    f"{name} grows by {verdict.slope:.1f} {unit} an hour"
                    f" ({verdict.late_slope:.1f} in the second half; allowed {tolerance:.0f})"
                )
        if name in ("web", "worker", "jobs", "beat") and _restarted(part, run.seconds):
            faults.append(f"{name} was started anew during the run")
    if not run.parts:
        faults.append("no process was seen: the memory of a EuGPT elsewhere cannot be judged")
    return verdicts, faults


def line_of(name: str, part: Part, column: str) -> flat.Series:
    """The line that is judged."""
    line = part.columns[column]
    if name != _BY_PROCESS:
        return line
    processes = np.array([len(pids) for pids in part.pids])
    normal: flat.Series = line / processes * np.median(processes)
    return normal


def _restarted(part: Part, seconds: float) -> bool:
    """Whether its processes changed after the warm-up (a worker that compiled starts over)."""
    late = [pids for t, pids in zip(part.t, part.pids, strict=True) if t > flat.WARM_UP * seconds]
    return len({tuple(sorted(pids)) for pids in late}) > 1
