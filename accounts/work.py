"""What the running code works on, and telling it: ids and events for log lines and traces.

The request is `accounts.request_ids`'; here are the generation and its conversation. They are set
where one is handled, in web process, worker and jobs, and go with the context into tasks of the
event loop, into threads that it calls, and into the engine, which knows of no ids but its own.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple


class Work(NamedTuple):
    """Ids as text; "" where there is none."""

    generation_id: str = ""
    conversation_id: str = ""


_NOTHING = Work()
_current: ContextVar[Work] = ContextVar("work", default=_NOTHING)


def work() -> Work:
    """The generation this code works on, if it works on one."""
    return _current.get()


def work_on(generation_id: object, conversation_id: object = None) -> None:
    """From now on this thread, or this task of the event loop, works on that generation."""
    _current.set(_work(generation_id, conversation_id))


@contextmanager
def working_on(generation_id: object = None, conversation_id: object = None) -> Iterator[None]:
    """Inside the block, and in threads and tasks begun there, this is the generation, or none."""
    token = _current.set(_work(generation_id, conversation_id))
    try:
        yield
    finally:
        _current.reset(token)


def say(logger: logging.Logger, event: str, **facts: object) -> None:
    """Log an event with numbers, codes and names beside it: never with anybody's words."""
    logger.info(event, extra={"facts": facts})


def _work(generation_id: object, conversation_id: object) -> Work:
    return Work(*("" if name is None else str(name) for name in (generation_id, conversation_id)))
