"""What must hold before anything is started: settings, disk, port, one run at a time."""

import errno
import fcntl
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.local.errors import SetupError
from deploy.local.paths import VarDir

NEEDED_BYTES = 500 * 1024**2


def check_disk(directory: Path, needed_bytes: int = NEEDED_BYTES) -> None:
    """SetupError when the disk of `directory` is nearly full."""
    free = shutil.disk_usage(directory).free
    if free < needed_bytes:
        raise SetupError(
            f"The disk is full: {directory} has {free // 1024**2} MB left and EuGPT needs "
            f"{needed_bytes // 1024**2} MB; free some space and start again."
        )


def port_of(env: Mapping[str, str]) -> int:
    """The number in PORT; SetupError when it is none."""
    text = env.get("PORT") or "8000"
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise SetupError(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def check_port(host: str, port: int) -> None:
    """SetupError when the web server could not listen there."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, proto) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()  # two sockets may bind with SO_REUSEADDR, but only one may listen
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SetupError(
                f"Port {port} is already in use: stop the program that uses it, or choose "
                f"another port, for example PORT={port + 1 if port < 65535 else 8000} make run."
            ) from error
        raise SetupError(f"EuGPT cannot listen on {host} port {port}: {error}.") from error


@contextmanager
def run_lock(var: VarDir) -> Iterator[bool]:
    """Yields whether this process is the only one that runs servers on these data."""
    descriptor = os.open(var.run / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)  # lets go of the lock, too
