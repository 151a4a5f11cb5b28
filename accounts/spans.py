"""Where time went, for whoever traces: nothing happens unless a tracer is set (`eugpt.observe`).

The place in a trace travels like the id of the request: in the context, in a task's header, in the
generation's row, as a W3C `traceparent`. It is "" where nothing is traced.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

MAX_CHARS = 55  # of a traceparent
_TRACE_ID = slice(3, 35)

_parent: ContextVar[str] = ContextVar("traceparent", default="")


@dataclass(frozen=True, slots=True)
class Told:
    """A span that is over: what was measured anyway."""

    name: str
    start: datetime
    end: datetime
    facts: dict[str, Any] = field(default_factory=dict)
    parts: Sequence[Told] = ()


class Tracer(Protocol):
    """What `eugpt.observe.traces` is."""

    def span(self, name: str, facts: dict[str, Any]) -> AbstractContextManager[Any]: ...

    def tell(self, parent: str, told: Told) -> None: ...


_tracer: Tracer | None = None


def tracer_set(tracer: Tracer | None) -> None:
    """From now on this process tells its spans to it."""
    global _tracer
    _tracer = tracer


def traceparent() -> str:
    """The place of this code in its trace."""
    return _parent.get()


def work_below(parent: str) -> None:
    """From now on this thread, or this task of the event loop, is below that span."""
    _parent.set(parent)


def span(name: str, **facts: Any) -> AbstractContextManager[Any]:
    """A block as a span, below the one it runs in; facts are numbers, codes and names only."""
    return nullcontext() if _tracer is None else _tracer.span(name, facts)


def span_tell(parent: str, told: Told) -> None:
    """Tell of work that is over, below `parent`: where that is this code's own trace, below it."""
    if _tracer is None or not parent:
        return
    here = traceparent()
    is_ours = here[_TRACE_ID] == parent[_TRACE_ID]
    _tracer.tell(here if is_ours else parent, told)
