"""Child processes that cannot outlive us: start, stop, and sweep up what is left.

On Linux every child asks the kernel for a signal when its parent dies, and the launcher adopts
orphaned grandchildren, so that even `kill -9` of one of us leaves nothing running.
"""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

# The death signal fires when the *thread* that started the child ends; this one never does.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="process-starter")
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Account:
    """The system user a server runs as, for servers that refuse to run as root."""

    uid: int
    gid: int


def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    account: Account | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a command in its own session, output appended to `log`.

    Its own session keeps a terminal's Ctrl-C away from it: the launcher decides the order of
    stopping.
    """
    preexec = _die_with_parent(death_signal)

    def popen() -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=None if env is None else dict(env),
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                preexec_fn=preexec,
            )

    is_main = threading.current_thread() is threading.main_thread()
    return popen() if is_main else _starter.submit(popen).result()


def end_with_parent() -> None:
    """Have this process told to stop (SIGTERM) when the one that started it dies."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """A `preexec_fn` that makes the kernel send `death_signal` when the parent dies."""
    libc = _libc
    if libc is None:
        return None
    parent = os.getpid()

    def set_death_signal() -> None:
        libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:  # it died before prctl
            os._exit(1)

    return set_death_signal


def stop(
    process: subprocess.Popen[bytes], *, first: signal.Signals = signal.SIGTERM, grace_s: float = 15
) -> None:
    """Ask a process to end with `first`, kill it when it has not after `grace_s`."""
    if process.poll() is not None:
        return
    process.send_signal(first)
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def adopt_orphans() -> None:
    """Make orphaned descendants children of this process, where `end_descendants` finds them."""
    if _libc is not None:
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_descendants(*, grace_s: float = 5) -> None:
    """End every process below this one, whoever started it."""
    left = psutil.Process().children(recursive=True)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, stubborn = psutil.wait_procs(left, timeout=grace_s)
    for process in stubborn:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stubborn, timeout=grace_s)


def stop_leftover(pid_file: Path, *, marker: str, first: signal.Signals) -> None:
    """Stop the server an earlier, killed run left behind, and remove its pid file.

    Only a process whose command line contains `marker` is touched: pids are reused.
    """
    try:
        process = psutil.Process(int(pid_file.read_text().split()[0]))
        if any(marker in part for part in process.cmdline()):
            process.send_signal(first)
            process.wait(30)
    except (FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
        pass
    pid_file.unlink(missing_ok=True)


def free_port() -> int:
    """A loopback TCP port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def last_lines(log: Path, count: int = 15) -> str:
    """The end of a log, for an error message."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
