"""CPU, memory, open files and threads of EuGPT's processes, a line every few seconds.

Two figures of memory: `rss_mb` is what `top` shows, files and shared buffers included; `private_mb`
is what the processes have allocated for themselves (RssAnon), the one that a leak raises.
PostgreSQL's shared buffers and mapped weights fill up by being used and are in the first only.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from chat.benchmarks.processes import part_of, root_of

EVERY_S = 3.0
FILE_NAME = "processes.jsonl"
_ANON = re.compile(r"^RssAnon:\s+(\d+) kB", re.MULTILINE)
_MB = 1024 * 1024


class Sampler:
    """A thread that samples until `stop`; writes nothing where EuGPT is not on this machine."""

    def __init__(self, url: str, folder: Path) -> None:
        self._root = root_of(url)
        self._path = folder / FILE_NAME
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self._processes: dict[int, tuple[psutil.Process, str]] = {}

    def __enter__(self) -> Sampler:
        if self._root is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def is_local(self) -> bool:
        return self._root is not None

    def _run(self) -> None:
        with self._path.open("a", encoding="utf-8", buffering=1) as file:
            while not self._is_over.wait(EVERY_S):
                line = {"t": round(time.time(), 2), "parts": self.now()}
                file.write(json.dumps(line) + "\n")

    def now(self) -> dict[str, dict[str, Any]]:
        """The sums over each part's processes, and their pids."""
        parts: dict[str, dict[str, Any]] = defaultdict(_nothing)
        for process, part in self._known():
            with suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
                _add(parts[part], process)
        return dict(parts)

    def _known(self) -> list[tuple[psutil.Process, str]]:
        """Processes with the names of their parts; a command line is read once for each pid."""
        assert self._root is not None
        seen: dict[int, tuple[psutil.Process, str]] = {}
        for process in self._root.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                known = self._processes.get(process.pid)
                is_same = known is not None and known[0] == process and known[1]
                seen[process.pid] = known if is_same and known else (process, _part(process))
        self._processes = seen
        return [(process, part) for process, part in seen.values() if part]


def _nothing() -> dict[str, Any]:
    return {"cpu_s": 0.0, "rss_mb": 0.0, "private_mb": 0.0, "files": 0, "threads": 0, "pids": []}


def _part(process: psutil.Process) -> str:
    return "locust" if "locust" in " ".join(process.cmdline()) else part_of(process)


def _add(part: dict[str, Any], process: psutil.Process) -> None:
    with process.oneshot():
        times = process.cpu_times()
        rss = process.memory_info().rss
        private = _private_bytes(process)
        part["files"] += process.num_fds()
        part["threads"] += process.num_threads()
    part["cpu_s"] += times.user + times.system + times.children_user + times.children_system
    part["rss_mb"] += rss / _MB
    part["private_mb"] += private / _MB
    part["pids"].append(process.pid)


def _private_bytes(process: psutil.Process) -> int:
    """Anonymous memory on Linux; the unique set size elsewhere."""
    with suppress(OSError):
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii", errors="replace")
        if found := _ANON.search(status):
            return int(found[1]) * 1024
    return int(process.memory_full_info().uss)
