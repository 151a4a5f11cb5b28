"""CPU time and memory of EuGPT's processes, found from the address that the clients use.

The process that listens there is the web server; its parent (above the supervisor) has started
the others. A server on another machine, or in a container, is not seen: then there is nothing.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

import psutil

CLIENT = "client"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_NAMES: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("postgres", lambda c: "postgres" in c.split(" ")[0] and "python" not in c.split(" ")[0]),
    ("valkey", lambda c: "valkey-server" in c or "redis-server" in c),
    ("worker", lambda c: " -Q generate" in c),
    ("jobs", lambda c: " -Q default" in c),
    ("beat", lambda c: "celery" in c and " beat" in c),
    ("web", lambda c: "uvicorn" in c),
)


class CpuClock:
    """Two readings of `read` give the CPU seconds each part of EuGPT took between them."""

    def __init__(self, url: str) -> None:
        self._root = root_of(url)
        self._readings: list[dict[str, float]] = []
        self._worker_memory = 0

    def read(self) -> None:
        self._readings.append(self._now())

    def seconds(self) -> dict[str, float]:
        """CPU seconds between the first and the last reading, by process name."""
        if len(self._readings) < 2:
            return {}
        first, last = self._readings[0], self._readings[-1]
        return {name: last[name] - first.get(name, 0.0) for name in last}

    @property
    def worker_memory_bytes(self) -> int:
        """Resident memory of the workers at the last reading."""
        return self._worker_memory

    def web_memory_bytes(self) -> int:
        """Resident memory of the web processes as of now; 0 where none is seen."""
        total = 0
        for process in self._root.children(recursive=True) if self._root else ():
            with suppress(psutil.NoSuchProcess):
                if part_of(process) == "web":
                    total += process.memory_info().rss
        return total

    def _now(self) -> dict[str, float]:
        used: dict[str, float] = defaultdict(float)
        used[CLIENT] = _used(psutil.Process())
        self._worker_memory = 0
        for process in self._root.children(recursive=True) if self._root else ():
            try:
                name = part_of(process)
                if name and process.pid != os.getpid():
                    used[name] += _used(process)
                if name == "worker":
                    self._worker_memory += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return dict(used)


def _used(process: psutil.Process) -> float:
    """CPU seconds, with those of children that have ended (PostgreSQL's connections)."""
    t = process.cpu_times()
    return float(t.user + t.system + t.children_user + t.children_system)


def part_of(process: psutil.Process) -> str:
    """Which part of EuGPT this is, "" for none; raises psutil.NoSuchProcess."""
    command = " ".join(process.cmdline())
    return next((name for name, matches in _NAMES if matches(command)), "")


def root_of(url: str) -> psutil.Process | None:
    """The process under which all of EuGPT runs; None where it is not on this machine."""
    parts = urlsplit(url)
    if parts.hostname not in _LOOPBACK:
        return None
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    try:
        listeners = [
            c.pid
            for c in psutil.net_connections("tcp")
            if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port and c.pid
        ]
        root = psutil.Process(listeners[0]).parent() if listeners else None
        while root is not None and "supervisord" in " ".join(root.cmdline()):
            root = root.parent()
    except psutil.Error:
        return None
    return root if root is not None and root.pid > 1 else None
