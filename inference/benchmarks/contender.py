"""A program under test, in a process of its own that is spoken to in lines of JSON.

Both ends are here: `serve` in the worker process, `Worker` where the measuring is done. Workers
that wait for a line use no processor time, so several can be kept ready and take turns. Needs
neither torch nor Django: the worker's environment may be another one than ours.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from inference.benchmarks.machine import ROOT, rss_mb
from inference.benchmarks.workload import Trace, Workload

_END_TIMEOUT_S = 10


class Contender(Protocol):
    """What a worker process serves: these methods, and others that `Worker.call` names."""

    def facts(self) -> dict[str, Any]:
        """Tell settings and version."""
        ...

    def run(self, workload: Workload) -> list[Trace]:
        """Answer the workload; every reply has exactly `new_tokens` tokens."""
        ...


class WorkerFailed(RuntimeError):
    """A worker process has ended or refused a command; its log says why."""


@dataclass(frozen=True, slots=True)
class Spec:
    """How to start a contender. `max_streams` 0: no limit."""

    name: str
    module: str
    options: Mapping[str, Any] = field(default_factory=dict)
    python: str = sys.executable
    environment: Mapping[str, str] = field(default_factory=dict)
    is_streamed: bool = True
    is_tunable: bool = False
    max_streams: int = 0


def serve(open_contender: Callable[[dict[str, Any]], Contender]) -> None:
    """Work off commands from standard input until it ends.

    The first line holds the options. Whatever libraries print goes to standard error.
    """
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def reply(content: Any) -> None:
        replies.write(json.dumps(content) + "\n")
        replies.flush()

    options = json.loads(sys.stdin.readline())
    contender = open_contender(options)
    contender.run(Workload(**options["first"]))
    reply({"start_s": time.time() - options["started"], **contender.facts()})
    for line in sys.stdin:
        reply(_work(contender, json.loads(line)))


def _work(contender: Contender, command: dict[str, Any]) -> Any:
    do = command.pop("do")
    if "workload" in command:
        command["workload"] = Workload(**command["workload"])
    result = getattr(contender, do)(**command)
    if do == "run":
        return {"traces": [asdict(t) for t in result], "rss_mb": rss_mb()}
    return result


class Worker:
    """The near end: starts the process, asks, and ends it. Use as a context manager."""

    def __init__(self, spec: Spec, first: Workload, log: Path, **options: Any) -> None:
        self.spec = spec
        self.facts: dict[str, Any] = {}
        self._log = log
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [spec.python, "-m", spec.module],
                cwd=ROOT,
                env={**os.environ, **spec.environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        started = {"started": time.time(), "first": first.to_dict()}
        self.facts = self._ask({**spec.options, **options, **started})

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, workload: Workload) -> tuple[list[Trace], float]:
        """Answer the workload; returns the traces and the memory held after it, in MB."""
        reply = self.call("run", workload=workload)
        traces = [Trace(**t) for t in reply["traces"]]
        if any(len(t.token_times_s) != workload.new_tokens for t in traces):
            raise WorkerFailed(f"{self.spec.name} gave replies of another length than asked")
        return traces, reply["rss_mb"]

    def call(self, do: str, **arguments: Any) -> Any:
        """Call another method of the contender; a workload is handed over as such."""
        if "workload" in arguments:
            arguments["workload"] = arguments["workload"].to_dict()
        return self._ask({"do": do, **arguments})

    def close(self) -> None:
        """End the process: the end of its input, and force if that does not do."""
        assert self._process.stdin
        assert self._process.stdout
        with suppress(OSError):  # it may be dead already
            self._process.stdin.close()
        try:
            self._process.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _ask(self, content: dict[str, Any]) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(json.dumps(content) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            self.close()
            tail = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise WorkerFailed(f"{self.spec.name} ended: {tail[-1] if tail else 'no output'}")
        return json.loads(line)
