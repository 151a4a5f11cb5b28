"""Secrets of a development installation: generated once, readable by their owner only."""

import os
import secrets
from pathlib import Path


def read_or_create(path: Path) -> str:
    """The secret kept in `path` (mode 600), made up on first use."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_text().strip()
