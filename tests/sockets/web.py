"""Further web processes beside a stack: with limits on, with a probe, to be killed."""

import json
import os
import shlex
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil

from deploy.local import processes, procfile
from deploy.local.paths import ROOT
from tests.support.stack import Stack

_TIMEOUT_S = 60
_PROTOCOL = "eugpt.websocket:BoundedWebSocketProtocol"


class Web:
    """One web process on the stack's database and Valkey, unless `changes` say otherwise."""

    def __init__(self, stack: Stack, directory: Path, **changes: str) -> None:
        stack.forget_limits()
        port = str(processes.free_port())
        self.env = stack.env | {"EUGPT_LIMITS": "on", "PORT": port} | changes
        self.base_url = f"http://127.0.0.1:{port}"
        self.ws_url = f"ws://127.0.0.1:{port}/ws/chat/"
        self._log = directory / f"web-{port}.log"
        command = procfile.commands(self.env)["web"]
        assert _PROTOCOL in command
        command = command.replace(_PROTOCOL, "tests.sockets.probe:ProbedProtocol")
        self._process: subprocess.Popen[bytes] = processes.start(
            shlex.split(command), log=self._log, cwd=ROOT, env=self.env
        )
        poll(self._is_up, "the web process does not answer")

    @property
    def pid(self) -> int:
        return self._process.pid

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def kill(self) -> None:
        """`kill -9`."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        processes.stop(self._process)

    def memory_bytes(self) -> int:
        return int(psutil.Process(self.pid).memory_info().rss)

    def connections(self) -> int:
        """Established connections of clients."""
        port = int(self.env["PORT"])
        found = psutil.Process(self.pid).net_connections("tcp")
        return sum(c.laddr.port == port and c.status == psutil.CONN_ESTABLISHED for c in found)

    def tasks(self) -> dict[str, int]:
        """The process' tasks by coroutine, as of now; needs one connection before."""
        path = Path(self.env["EUGPT_VAR_DIR"]) / f"tasks-{self.pid}.json"
        path.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        poll(path.exists, "the probe does not answer")
        names: dict[str, int] = json.loads(path.read_text())
        return names

    def _is_up(self) -> bool:
        assert self._process.poll() is None, self.log()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.base_url}/livez", timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False


def poll(is_true: Callable[[], bool], what: str, timeout_s: float = _TIMEOUT_S) -> None:
    """Wait until it is true; AssertionError with `what` when it never is."""
    deadline = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
