"""Which commit this is: images are built with its name, a checkout says it itself."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from eugpt.config import BASE_DIR

# Set by deploy/Dockerfile: no setting of the operator's.
IMAGE_VARIABLE = "IMAGE_REVISION"


@cache
def version(base: Path = BASE_DIR) -> str:
    """A short name of the code that runs; "unknown" where nothing tells."""
    return (os.environ.get(IMAGE_VARIABLE) or _commit(base / ".git"))[:12] or "unknown"


def _commit(git: Path) -> str:
    """Read without git, which is not everywhere; "" where this is no checkout."""
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
