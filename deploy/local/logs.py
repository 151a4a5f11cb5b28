"""Show the processes' log files in the terminal, each line led by the process's name."""

import sys
import threading
from collections.abc import Iterable
from pathlib import Path

COLORS = (36, 35, 33, 34, 32)


class LogFollower:
    """A thread that prints what is appended to `<log dir>/<name>.log` from its start on."""

    def __init__(self, directory: Path, names: Iterable[str], *, poll_s: float = 0.3) -> None:
        self._tails = [
            _Tail(directory / f"{name}.log", _prefix(name, index))
            for index, name in enumerate(names)
        ]
        self._poll_s = poll_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="log-follower", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Print what is still unread and end the thread."""
        self._ended.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._ended.wait(self._poll_s):
            self._print_new()
        self._print_new()

    def _print_new(self) -> None:
        for tail in self._tails:
            for line in tail.new_lines():
                print(line, flush=True)


class _Tail:
    def __init__(self, path: Path, prefix: str) -> None:
        self._path = path
        self._prefix = prefix
        self._position = path.stat().st_size if path.exists() else 0
        self._partial = b""

    def new_lines(self) -> list[str]:
        """The lines completed since the last call; a shrunk file was rotated: begin anew."""
        if not self._path.exists():
            return []
        if self._path.stat().st_size < self._position:
            self._position, self._partial = 0, b""
        with self._path.open("rb") as file:
            file.seek(self._position)
            data = file.read()
        self._position += len(data)
        *lines, self._partial = (self._partial + data).split(b"\n")
        texts = (line.decode(errors="replace").rstrip() for line in lines)
        return [f"{self._prefix} {text}" for text in texts if text]


def _prefix(name: str, index: int) -> str:
    text = f"{name:<6} |"
    if not sys.stdout.isatty():
        return text
    return f"\033[{COLORS[index % len(COLORS)]}m{text}\033[0m"
