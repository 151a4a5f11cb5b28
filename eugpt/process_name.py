"""Which process of deploy/Procfile this is: web, worker, jobs or beat."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

SERVICES = ("web", "worker", "jobs", "beat")


@cache
def process_name() -> str:
    """By the command line that started it."""
    return name_of(sys.argv)


def name_of(argv: Sequence[str]) -> str:
    """One of SERVICES, else what the command calls itself: `manage migrate`, `flower`."""
    program, *arguments = argv or [""]
    name = Path(program).name
    if name == "__main__.py":  # python -m celery
        name = Path(program).parent.name
    if name == "uvicorn":
        return "web"
    if name == "celery":
        return _of_celery(arguments)
    if name == "manage.py":
        return " ".join(["manage", *arguments[:1]])
    return name.removesuffix(".py") or "python"


def _of_celery(arguments: Sequence[str]) -> str:
    if "worker" in arguments:
        return "worker" if "generate" in arguments else "jobs"
    return next((it for it in arguments if it in ("beat", "flower")), "celery")
