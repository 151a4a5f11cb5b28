"""A fresh EuGPT whose workers and web processes come and go: one for a whole measurement.

The processes are those of deploy/Procfile, each on the cores it is given. Only workers are started
anew between two measurements; a worker that a measurement has no use for consumes nothing.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.local import launcher, processes, procfile
from deploy.local.errors import SetupError
from deploy.local.health import wait_until_healthy
from deploy.local.paths import ROOT, VarDir
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.valkey import EmbeddedValkey

_READY_TIMEOUT_S = 120.0
_CGROUP = Path("/sys/fs/cgroup/cpu")
_QUOTA_PERIOD_US = 10_000

Cores = tuple[int, ...]


@dataclass(frozen=True)
class Worker:
    """One worker process; `cores` () leaves the choice to the kernel."""

    threads: int = 1
    slots: int = 32
    cores: Cores = ()


class Site:
    """Owns servers and processes. Use as a context manager; all methods block."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self._var = VarDir(folder)
        self._var.create()
        self._postgres = EmbeddedPostgres(folder / "postgres", self._var.log / "postgres.log")
        self._valkey = EmbeddedValkey(folder / "valkey", self._var.log / "valkey.log")
        self.env = launcher.base_env() | {
            "EUGPT_ENV": "development",
            "EUGPT_ENV_FILE": "",
            "EUGPT_LIMITS": "off",
            "EUGPT_QUEUE_LIMIT": "2000",
            "EUGPT_PRECISION": "int8",  # measured at load otherwise: two workers could differ
            "EUGPT_VAR_DIR": str(folder),
            "PORT": str(processes.free_port()),
            **settings,
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.workers: dict[str, Worker] = {}
        self._count = 0

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.env['PORT']}/ws/chat/"

    @property
    def database_url(self) -> str:
        return self._postgres.url

    @property
    def redis_url(self) -> str:
        """The administrator's: counters are not for EuGPT's own user."""
        return self._valkey.admin_url

    def __enter__(self) -> Site:
        urls = {"DATABASE_URL": self._postgres.start(), "REDIS_URL": self._valkey.start()}
        self.env = launcher.app_env(self.env | urls, self._var)
        launcher.prepare(self.env)
        for name in ("web", "jobs", "beat"):
            self._start(name, name, self.env)
        return self

    def __exit__(self, *_exc: object) -> None:
        for process in self._running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGTERM)
        for process in self._running.values():
            processes.stop(process)
        self._valkey.stop()
        self._postgres.destroy()
        for group in _CGROUP.glob(f"eugpt-{os.getpid()}-*"):
            with suppress(OSError):  # it is not empty yet: the kernel is a moment behind
                group.rmdir()

    def set_workers(self, wanted: Sequence[Worker]) -> list[str]:
        """End all workers and start these; returns their names when all of them serve."""
        for name in self.workers:
            processes.stop(self._running.pop(name))
        self.workers = {}
        for worker in wanted:
            self._count += 1
            name = f"worker{self._count}"
            self.workers[name] = worker
            self._start_worker(name, worker)
        for name in self.workers:
            self._wait_ready(name)
        if self.workers:  # without any it would not be healthy
            self.wait_healthy()
        return list(self.workers)

    def wait_healthy(self) -> None:
        seen = wait_until_healthy(
            f"http://127.0.0.1:{self.env['PORT']}",
            is_alive=lambda: self._running["web"].poll() is None,
            timeout_s=_READY_TIMEOUT_S,
        )
        if seen:
            raise SetupError(f"EuGPT is not healthy ({seen}):\n{self.tails()}")

    @contextmanager
    def more_web(self) -> Iterator[tuple[str, str]]:
        """The name of one more web process, and where its sockets are."""
        name = "web2"
        port = processes.free_port()
        self._start(name, "web", self.env | {"PORT": str(port)})
        try:
            seen = wait_until_healthy(
                f"http://127.0.0.1:{port}",
                is_alive=lambda: self._running[name].poll() is None,
                timeout_s=_READY_TIMEOUT_S,
            )
            if seen:
                raise SetupError(f"{name} is not healthy ({seen}):\n{self.tails()}")
            yield name, f"ws://127.0.0.1:{port}/ws/chat/"
        finally:
            processes.stop(self._running.pop(name))

    def parts(self) -> dict[str, list[psutil.Process]]:
        """All processes by part: web, worker1, …, jobs, beat, valkey, postgres."""
        found = {name: [psutil.Process(p.pid)] for name, p in self._running.items()}
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                command = child.cmdline()
                if command and "valkey-server" in command[0]:
                    found["valkey"] = [child]
                elif command and "postgres" in command[0]:
                    found.setdefault("postgres", []).append(child)
        return found

    def limit_workers(self, *shares: float) -> None:
        """Give each worker at most this share of one core (the last one for the rest); 0: all."""
        for index, name in enumerate(self.workers):
            _limit(self._running[name].pid, name, shares[min(index, len(shares) - 1)])

    def pin_others(self, cores: Cores) -> None:
        """Put everything but the workers (and what is started later) on these cores."""
        for name, members in self.parts().items():
            if name not in self.workers:
                for process in members:
                    with suppress(psutil.NoSuchProcess):
                        pin(process.pid, cores)

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def tails(self, count: int = 15) -> str:
        """The end of every log."""
        paths = sorted(self._var.log.glob("*.log"))
        return "\n".join(f"--- {p.stem}\n{processes.last_lines(p, count)}" for p in paths)

    def _start_worker(self, name: str, worker: Worker) -> None:
        env = self.env | {
            "EUGPT_SLOTS": str(worker.slots),
            "EUGPT_ENGINE_THREADS": str(worker.threads),
        }
        self._start(name, "worker", env)
        if worker.cores:
            pin(self._running[name].pid, worker.cores)

    def _start(self, name: str, part: str, env: Mapping[str, str]) -> None:
        command = procfile.commands(env)[part].replace("worker@%h", f"{name}@%h")
        self._running[name] = processes.start(
            shlex.split(command), log=self._log(name), cwd=ROOT, env=env
        )

    def _wait_ready(self, name: str) -> None:
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while time.monotonic() < deadline and self._running[name].poll() is None:
            if b" serves " in self._log(name).read_bytes():
                return
            time.sleep(0.1)
        raise SetupError(f"{name} did not load its model:\n{self.tails()}")

    def _log(self, name: str) -> Path:
        return self._var.log / f"{name}.log"


def pin(pid: int, cores: Cores) -> None:
    """A process and its threads; threads to come inherit it."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            os.sched_setaffinity(int(thread.name), cores)


def cores_here() -> list[int]:
    """The cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


def has_quotas() -> bool:
    """Whether a share of a core can be given here: root, and the kernel's CPU controller (v1)."""
    return os.access(_CGROUP / "cpu.cfs_quota_us", os.R_OK) and os.access(_CGROUP, os.W_OK)


def _limit(pid: int, name: str, share: float) -> None:
    group = _CGROUP / f"eugpt-{os.getpid()}-{name}"
    group.mkdir(exist_ok=True)
    (group / "cpu.cfs_period_us").write_text(str(_QUOTA_PERIOD_US))
    (group / "cpu.cfs_quota_us").write_text(str(int(_QUOTA_PERIOD_US * share) or -1))
    (group / "cgroup.procs").write_text(str(pid))
