"""Which commit this is: the file VERSION, which images are built with, or what git says."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from eugpt.config import BASE_DIR


@cache
def version(base: Path = BASE_DIR) -> str:
    """A short name of the code that runs; "unknown" where nothing tells."""
    try:
        return (base / "VERSION").read_text().strip()[:40] or "unknown"
    except OSError:
        return _commit(base / ".git")[:12] or "unknown"


def _commit(git: Path) -> str:
    """Read without git, which images have not."""
    try:
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        loose = git / name
        if loose.is_file():
            return loose.read_text().strip()
        packed = (line.split() for line in (git / "packed-refs").read_text().splitlines())
        return next((line[0] for line in packed if line[1:] == [name]), "")
    except OSError:
        return ""
