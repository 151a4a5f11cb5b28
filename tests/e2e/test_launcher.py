"""`make run`, start to end: everything comes up, the data stay, nothing is left behind."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from deploy.local import processes
from deploy.local.paths import FRONTEND, ROOT
from tests.support.servers import TestServers
from tests.support.tiny_model import build_tiny_checkpoint

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

READY_TIMEOUT_S = 120


class Launcher:
    """One run of `python -m deploy.local run`, its output collected."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local", "run"],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(self.process.stdout)

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until the output matches."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        while (match := re.search(pattern, self.output)) is None:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.1)
        return match

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send the signal and return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(60)
        self.close()
        return code

    def close(self) -> None:
        self._reader.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def env(servers: TestServers, tmp_path: Path) -> dict[str, str]:
    """The environment of a first run: no servers named, a tiny checkpoint, state of its own."""
    if not (FRONTEND / "out" / "index.html").exists():
        pytest.skip("the front end is not built: run `make test`")
    var = servers.directory / tmp_path.name  # PostgreSQL's account can reach this one
    build_tiny_checkpoint(tmp_path / "models" / "eugpt-tiny")
    own = {
        "PORT": str(processes.free_port()),
        "EUGPT_VAR_DIR": str(var),
        "EUGPT_MODELS_DIR": str(tmp_path / "models"),
        "EUGPT_MODEL": "eugpt-tiny",
        "EUGPT_ENV_FILE": "",
        "EUGPT_ENGINE_THREADS": "1",
    }
    return {name: value for name, value in os.environ.items() if not _is_ours(name)} | own


def _is_ours(name: str) -> bool:
    return name.startswith("EUGPT_") or name in {"DATABASE_URL", "REDIS_URL", "PORT"}


def _alive(known: list[psutil.Process]) -> list[psutil.Process]:
    return psutil.wait_procs(known, timeout=2)[1]


def test_run_starts_stops_and_starts_again(env: dict[str, str]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        launcher = Launcher(env)
        address = launcher.wait_for(r"EuGPT is ready after \d+ s: (\S+)")[1]
        assert address == f"http://127.0.0.1:{env['PORT']}"
        with urllib.request.urlopen(f"{address}/api/health", timeout=5) as response:
            assert response.status == 200
        started = launcher.descendants()
        names = " ".join(" ".join(process.cmdline()) for process in started)
        for part in ("postgres", "valkey-server", "uvicorn", "-Q generate", "-Q default", "beat"):
            assert part in names
        assert launcher.stop(number) == 0, launcher.output
        assert _alive(started) == []
        assert "EuGPT has stopped" in launcher.output
    secret = Path(env["EUGPT_VAR_DIR"]) / "secret_key"
    assert secret.stat().st_mode & 0o777 == 0o600


def test_run_restarts_a_killed_worker_and_survives_its_own_kill(env: dict[str, str]) -> None:
    launcher = Launcher(env)
    launcher.wait_for("EuGPT is ready")
    _worker(launcher).kill()
    killed_at = len(launcher.output)
    deadline = time.monotonic() + 30
    while not re.search(r"worker \|.*ready", launcher.output[killed_at:]):
        assert time.monotonic() < deadline, launcher.output[killed_at:]
        time.sleep(0.1)
    started = launcher.descendants()
    launcher.process.kill()
    launcher.process.wait()
    launcher.close()
    assert psutil.wait_procs(started, timeout=40)[1] == []


def test_run_twice_or_on_a_taken_port_is_one_sentence(env: dict[str, str]) -> None:
    launcher = Launcher(env)
    launcher.wait_for("Starting the embedded PostgreSQL")
    second = _refused(env)
    elsewhere = _refused(env | {"EUGPT_VAR_DIR": env["EUGPT_VAR_DIR"] + "-b", "PORT": "99999"})
    assert launcher.stop(signal.SIGTERM) == 0
    assert "already running" in second
    assert "PORT must be a number" in elsewhere


def _worker(launcher: Launcher) -> psutil.Process:
    (worker,) = [
        process
        for process in launcher.descendants()
        if "generate" in process.cmdline() and "celery" in " ".join(process.cmdline())
    ]
    return worker


def _refused(env: Mapping[str, str]) -> str:
    result = subprocess.run(
        [sys.executable, "-m", "deploy.local", "run"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    return result.stderr
