"""A fresh EuGPT that may be hurt: two webs, two workers, jobs, beat, PostgreSQL and Valkey.

The processes are those of deploy/Procfile. Whatever dies is started again by `watch`, as
supervisord would; a rolling restart waits as supervisord waits.
"""

from __future__ import annotations

import asyncio
import os
import random
import shlex
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from deploy.local import launcher, processes, procfile
from deploy.local.errors import SetupError
from deploy.local.health import wait_until_healthy
from deploy.local.paths import ROOT, VarDir
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.valkey import EmbeddedValkey

WEBS = ("web1", "web2")
WORKERS = ("worker1", "worker2")
OTHERS = ("jobs", "beat")
# Below what Linux gives to outgoing connections: a port whose server is away must not be taken.
_PORTS = (20_000, 32_000)
_WATCH_S = 0.25
_RESTART_S = 1.0
_READY_TIMEOUT_S = 300.0  # a first start compiles, perhaps beside other work


@dataclass(frozen=True)
class Size:
    """What is started; the queue's limit is small enough to be reached."""

    model: Path
    slots: int = 12
    queue_limit: int = 24


class Installation:
    """Owns the servers and processes. All methods block but `watch`."""

    def __init__(self, folder: Path, size: Size) -> None:
        self._var = VarDir(folder)
        self._var.create()
        self._ports = {name: fixed_port() for name in WEBS}
        self._postgres = EmbeddedPostgres(
            folder / "postgres", self._var.log / "postgres.log", port=fixed_port()
        )
        self._valkey = EmbeddedValkey(
            folder / "valkey", self._var.log / "valkey.log", port=fixed_port()
        )
        self._env = launcher.base_env() | {
            "EUGPT_ENV": "development",
            "EUGPT_ENV_FILE": "",
            "EUGPT_LIMITS": "off",
            "EUGPT_MODELS_DIR": str(size.model.parent),
            "EUGPT_MODEL": size.model.name,
            "EUGPT_PRECISION": "int8",  # measured at load otherwise: two workers could differ
            "EUGPT_SLOTS": str(size.slots),
            "EUGPT_QUEUE_LIMIT": str(size.queue_limit),
            "EUGPT_ENGINE_THREADS": "1",
            "EUGPT_VAR_DIR": str(folder),
        }
        self.size = size
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._held: set[str] = set()  # stopped on purpose: not to be started by `watch`
        self.unexpected: list[str] = []  # processes that ended by themselves

    @property
    def bases(self) -> list[str]:
        """The addresses of the web processes."""
        return [f"http://127.0.0.1:{port}" for port in self._ports.values()]

    @property
    def database_url(self) -> str:
        return self._postgres.url

    def start(self) -> None:
        """Start everything and wait until both webs report two workers."""
        self._env["PORT"] = str(self._ports["web1"])
        self._env |= {"DATABASE_URL": self._postgres.start(), "REDIS_URL": self._valkey.start()}
        self._env = launcher.app_env(self._env, self._var)
        launcher.prepare(self._env)
        for name in (*WEBS, *WORKERS, *OTHERS):
            self.run(name)
        for name in WEBS:
            self.wait_healthy(name)
        for name in WORKERS:
            self.wait_ready(name, 0)

    def release_again(self) -> None:
        """What comes first at every update: migrations and the checkpoint, while all is served."""
        launcher.prepare(self._env)

    def stop(self) -> None:
        """End everything; the data go with the folder."""
        self._held.update(self._running)
        for process in self._running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._running.values():
            processes.stop(process)
        self._valkey.stop()
        self._postgres.destroy()

    def run(self, name: str) -> None:
        """Start one process of the table."""
        env = self.env_of(name)
        self._running[name] = processes.start(
            self.command_of(name, env), log=self._log(name), cwd=ROOT, env=env
        )
        self._held.discard(name)

    def command_of(self, name: str, env: dict[str, str]) -> list[str]:
        return shlex.split(procfile.commands(env)[name.rstrip("12")])

    def env_of(self, name: str) -> dict[str, str]:
        port = self._ports.get(name)
        return self._env | ({"PORT": str(port)} if port else {})

    def freeze(self, name: str) -> None:
        """Stop a process in its tracks: what is on its way from it arrives, nothing more comes."""
        self._held.add(name)
        self._running[name].send_signal(signal.SIGSTOP)

    def kill(self, name: str) -> None:
        """`kill -9`; `watch` starts it again."""
        self._held.add(name)
        self._running[name].kill()
        self._running[name].wait()

    def release(self, name: str) -> None:
        """Start what was killed, after the pause that a supervisor makes."""
        time.sleep(_RESTART_S)
        self.run(name)

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def roll(self, name: str) -> None:
        """SIGTERM, wait for the end, start again, wait until it serves."""
        self._held.add(name)
        processes.stop(self._running[name])
        seen = self._log_size(name)
        self.run(name)
        if name in WEBS:
            self.wait_healthy(name)
        elif name in WORKERS:
            self.wait_ready(name, seen)

    def kill_valkey(self) -> None:
        """`kill -9`; what it has written to its append-only file stays."""
        self._valkey.kill()

    def empty_valkey(self) -> None:
        """Delete the data of the killed Valkey."""
        shutil.rmtree(self._valkey_files())

    def valkey_sizes(self) -> dict[Path, int]:
        """How much is in each file of its data now."""
        return {path: path.stat().st_size for path in self._valkey_files().iterdir()}

    def cut_valkey(self, sizes: dict[Path, int]) -> None:
        """Take from the killed Valkey what it wrote since: as after a power cut."""
        for path, size in sizes.items():
            os.truncate(path, size)

    def start_valkey(self) -> None:
        self._valkey.start()

    def _valkey_files(self) -> Path:
        return self._valkey.base / "appendonlydir"

    def restart_postgres(self, *, down_s: float) -> None:
        """A fast shutdown and a new start, as a package upgrade does."""
        self._postgres.stop()
        time.sleep(down_s)
        self._postgres.start()

    def wait_healthy(self, name: str) -> None:
        seen = wait_until_healthy(
            f"http://127.0.0.1:{self._ports[name]}",
            is_alive=lambda: self._running[name].poll() is None,
            timeout_s=_READY_TIMEOUT_S,
        )
        if seen:
            raise SetupError(f"{name} is not healthy ({seen}):\n{self.tails()}")

    def wait_ready(self, name: str, seen: int) -> None:
        """Until a worker has loaded its model (its log says so beyond the byte `seen`)."""
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while time.monotonic() < deadline:
            if b" serves " in self._log(name).read_bytes()[seen:]:
                return
            time.sleep(0.2)
        raise SetupError(f"{name} did not load its model:\n{self.tails()}")

    async def watch(self) -> None:
        """Start again what ended by itself, for ever."""
        while True:
            await asyncio.sleep(_WATCH_S)
            for name, process in list(self._running.items()):
                if name not in self._held and process.poll() is not None:
                    self.unexpected.append(f"{name} (exit code {process.returncode})")
                    self._held.add(name)
                    await asyncio.to_thread(self.release, name)

    def tails(self, count: int = 15) -> str:
        """The end of every log."""
        return "\n".join(
            f"--- {path.stem}\n{processes.last_lines(path, count)}"
            for path in sorted(self._var.log.glob("*.log"))
        )

    def keep_logs(self, folder: Path) -> None:
        """Copy the logs to where they outlive the installation."""
        shutil.copytree(self._var.log, folder, dirs_exist_ok=True)

    def _log(self, name: str) -> Path:
        return self._var.log / f"{name}.log"

    def _log_size(self, name: str) -> int:
        return self._log(name).stat().st_size


def fixed_port() -> int:
    """A free loopback port that no outgoing connection can get while its server is away."""
    for _ in range(100):
        port = random.randint(*_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise SetupError("There is no free port between 20000 and 32000.")
