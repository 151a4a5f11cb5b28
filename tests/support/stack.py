"""The real stack for end-to-end tests: the processes of deploy/Procfile, as `make run` has them.

Its database and its Valkey are its own, its checkpoint is a tiny random one, limits are off.
"""

import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from accounts.limits import KEY_PREFIX
from deploy.local import processes, procfile
from deploy.local.health import wait_until_healthy
from deploy.local.paths import ROOT
from tests.support.servers import TestServers

START_TIMEOUT_S = 180
MODEL = "eugpt-tiny"


class Stack:
    """Running web, worker, jobs and beat processes."""

    def __init__(self, directory: Path, env: Mapping[str, str], redis_admin_url: str = "") -> None:
        self._directory = directory
        self.env = dict(env)
        self.redis_admin_url = redis_admin_url
        self._commands = procfile.commands(env)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.base_url = f"http://127.0.0.1:{env['PORT']}"
        self.ws_url = f"ws://127.0.0.1:{env['PORT']}/ws/chat/"

    def pid(self, name: str) -> int:
        """The pid of `web`, `worker`, `jobs` or `beat`."""
        return self._running[name].pid

    def log(self, name: str) -> str:
        """Everything that process has printed so far."""
        return self._log_path(name).read_text(errors="replace")

    def start(self, name: str) -> None:
        """Start one process of the table (again)."""
        self._running[name] = processes.start(
            shlex.split(self._commands[name]),
            log=self._log_path(name),
            cwd=ROOT,
            env=self.env | procfile.own_env(self.env)[name],
        )

    def kill(self, name: str) -> None:
        """`kill -9`: no goodbye, as in a crash."""
        self._running[name].kill()
        self._running[name].wait()

    def kill_worker(self) -> None:
        self.kill("worker")

    def restart(self, *names: str) -> None:
        """Start new ones in the place of these processes, running or killed; wait for health."""
        self.stop(*names)
        self.ensure_running()

    def restart_worker(self) -> None:
        self.restart("worker")

    @contextmanager
    def with_settings(self, env: Mapping[str, str], *names: str) -> Iterator[None]:
        """These processes with other settings. They are ended then: whoever needs them starts
        them as they were, or with other settings again.
        """
        before = dict(self.env)
        self.env |= env
        self.restart(*names)
        try:
            yield
        finally:
            self.env = before
            self.stop(*names)

    @contextmanager
    def slow_worker(self, *, run_s: float = 0.01, rest_s: float = 0.09) -> Iterator[None]:
        """Let the worker run in short bursts only: the tiny model is too fast to watch."""
        with in_bursts(self._running["worker"], run_s, rest_s):
            yield

    def private_url(self, name: str) -> str:
        """The private port of a process: /metrics, /livez, /readyz."""
        return f"http://127.0.0.1:{procfile.own_env(self.env)[name]['EUGPT_METRICS_PORT']}"

    @contextmanager
    def more_worker(self, env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
        """A further worker whose settings differ by `env`, from when it serves."""
        env = {**self.env, **env}
        log = self._directory / f"worker-{uuid.uuid4().hex[:6]}.log"
        command = procfile.commands(env)["worker"].replace("worker@", f"{log.stem}@")
        worker = processes.start(shlex.split(command), log=log, cwd=ROOT, env=env)
        try:
            deadline = time.monotonic() + START_TIMEOUT_S
            while b" serves " not in log.read_bytes():
                assert worker.poll() is None, processes.last_lines(log, 40)
                assert time.monotonic() < deadline, processes.last_lines(log, 40)
                time.sleep(0.1)
            yield worker
        finally:
            processes.stop(worker)

    @contextmanager
    def more_web(self, env: Mapping[str, str]) -> Iterator[str]:
        """The address of a further web process, whose settings differ by `env`.

        One that has limits begins anew: other tests, in any order, came from the same address.
        """
        if env.get("EUGPT_LIMITS") == "on":
            self.forget_limits()
        env = {**self.env, **env, "PORT": str(processes.free_port())}
        log = self._log_path(f"web-{env['PORT']}")
        command = shlex.split(procfile.commands(env)["web"])
        web = processes.start(command, log=log, cwd=ROOT, env=env)
        url = f"http://127.0.0.1:{env['PORT']}"
        try:
            seen = wait_until_healthy(
                url, is_alive=lambda: web.poll() is None, timeout_s=START_TIMEOUT_S
            )
            assert not seen, (
                f"the web process is not healthy: {seen}\n{processes.last_lines(log, 40)}"
            )
            yield url
        finally:
            processes.stop(web)

    def forget_limits(self) -> None:
        """What everybody has used of them."""
        with redis.Redis.from_url(self.redis_admin_url) as client:
            for key in client.scan_iter(f"{KEY_PREFIX}*"):
                client.delete(key)

    def ensure_running(self) -> None:
        """Start what a test has ended and wait until /api/health is ok."""
        for name in self._commands:
            if name not in self._running or self._running[name].poll() is not None:
                self.start(name)
        seen = wait_until_healthy(
            self.base_url,
            is_alive=lambda: self._running["web"].poll() is None,
            timeout_s=START_TIMEOUT_S,
        )
        assert not seen, f"the stack is not healthy: {seen}\n{self.tails()}"

    def tails(self) -> str:
        """The end of every log, for a failure report."""
        return "\n".join(
            f"--- {name}\n{processes.last_lines(self._log_path(name), 40)}"
            for name in self._commands
        )

    def stop(self, *names: str) -> None:
        """End these processes, or all of them; in peace, and all at once."""
        ending = [self._running[name] for name in names or self._running if name in self._running]
        for process in ending:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in ending:
            processes.stop(process)

    def _log_path(self, name: str) -> Path:
        return self._directory / f"{name}.log"


@contextmanager
def in_bursts(
    process: subprocess.Popen[bytes], run_s: float = 0.01, rest_s: float = 0.09
) -> Iterator[None]:
    """Let a process run for `run_s`, then rest, and so on."""
    is_over = threading.Event()

    def alternate() -> None:
        while not is_over.wait(run_s) and process.poll() is None:
            process.send_signal(signal.SIGSTOP)
            is_over.wait(rest_s)
            process.send_signal(signal.SIGCONT)

    thread = threading.Thread(target=alternate, name="bursts")
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@pytest.fixture(scope="session")
def _session_stack(servers: TestServers) -> Iterator[Stack]:
    directory = servers.directory / "stack"
    directory.mkdir()
    valkey = servers.new_valkey("stack-valkey")
    valkey.start()
    env = _stack_env(servers, directory, valkey.url)
    manage(env, "migrate", "--no-input", "--verbosity", "0")
    manage(env, "load_checkpoint", str(_tiny_checkpoint(directory)))
    stack = Stack(directory, env, valkey.admin_url)
    try:
        yield stack
    finally:
        stack.stop()
        valkey.stop()


@pytest.fixture
def stack(_session_stack: Stack) -> Stack:
    """The running stack of the session; whatever an earlier test killed is started again."""
    _session_stack.ensure_running()
    return _session_stack


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Append the processes' logs to the report of a failed test that used the stack."""
    report = yield
    stack = getattr(item, "funcargs", {}).get("_session_stack")
    if report.failed and stack is not None:
        report.sections.append(("processes", stack.tails()))
    return report


def _stack_env(servers: TestServers, directory: Path, redis_url: str) -> dict[str, str]:
    bin_dir = Path(sys.executable).parent
    return os.environ | {
        "PATH": f"{bin_dir}{os.pathsep}{os.environ['PATH']}",
        "PORT": str(processes.free_port()),
        "EUGPT_METRICS_PORT": str(_free_ports(len(procfile.read_table()))),
        "DATABASE_URL": servers.postgres.create_database("eugpt_stack"),
        "REDIS_URL": redis_url,
        "EUGPT_LIMITS": "off",
        "EUGPT_SLOTS": "8",
        "EUGPT_ENGINE_THREADS": "1",
        # What is fastest differs from start to start; a reply that another worker goes on with is
        # compared letter by letter.
        "EUGPT_PRECISION": "int8",
        "EUGPT_MODEL": MODEL,
        "EUGPT_VAR_DIR": str(directory),
    }


def _free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody listens on, below those that the kernel gives
    to connections: one of these could take the port while its process is started anew.
    """
    while True:
        first = 20_000 + secrets.randbelow(12_000)
        if all(map(_is_free, range(first, first + count))):
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _tiny_checkpoint(directory: Path) -> Path:
    from tests.support.tiny_model import build_tiny_checkpoint

    path = directory / MODEL
    build_tiny_checkpoint(path)
    return path


def manage(env: Mapping[str, str], *arguments: str) -> None:
    """Run a Django command on the data of a stack; a failing one fails the test."""
    command = [sys.executable, "manage.py", *arguments]
    result = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{arguments}: {result.stdout}{result.stderr}"
