"""The name of the request that the running code works for, from the web process to the worker.

The web process gives every request and socket one (`eugpt.request_ids`), a task carries it to its
worker, a generation keeps it in its row. Log lines name it (`eugpt.logs`).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "X-Request-Id"
MAX_CHARS = 64
_WELL_FORMED = re.compile(rf"[A-Za-z0-9-]{{8,{MAX_CHARS}}}")
_current: ContextVar[str] = ContextVar("request_id", default="")


def request_id() -> str:
    """The id of the request this code works for; "" where it works for none."""
    return _current.get()


def request_id_of(said: str) -> str:
    """What the client calls its request, if that is well-formed, else a new id."""
    return said if _WELL_FORMED.fullmatch(said) else secrets.token_hex(16)


def work_for(name: str) -> None:
    """From now on this thread, or this task of the event loop, works for that request."""
    _current.set(name)


@contextmanager
def working_for(name: str) -> Iterator[None]:
    """Inside the block, and in threads and tasks begun there, this is the request."""
    token = _current.set(name)
    try:
        yield
    finally:
        _current.reset(token)
