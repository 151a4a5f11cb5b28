"""What is counted of replies on their way, for Prometheus (docs/observability.md has the table).

Each process counts for itself and Prometheus adds up. Counters of what happens to a row are raised
where its guarded update has held, so that their sums are what the database says. Labels are few and
known beforehand: a label for each thing that people name would never end. What happens with each
step of an engine or each entry of a stream goes into a `Tally`. Nothing here knows HTTP, ports or
processes: `eugpt.metrics` shows in each process what belongs to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from accounts.errors import error_describe
from chat.models import FinishReason
from chat.tally import Tally

# Shown by web, worker and jobs; by web; by workers.
LIFE, WEB, WORKER = (CollectorRegistry() for _ in range(3))

_OTHER = "other"
_MS = 0.001
_STEPS = (
    1 * _MS, 2 * _MS, 4 * _MS, 6 * _MS, 8 * _MS, 0.012, 0.016, 0.024, 0.032, 0.05, 0.1, 0.25, 1,
)  # fmt: skip

# --- The life of a generation --------------------------------------------------------------------

_GENERATIONS = Counter(
    "eugpt_generations", "Generations that have ended", ["finish_reason"], registry=LIFE
)
_ERRORS = Counter(
    "eugpt_errors",
    "Errors that clients were told, by code: answers of the API, and ends of generations",
    ["source", "code"],
    registry=LIFE,
)
CANCELS = Counter("eugpt_cancels", "Wishes to stop that met an unfinished reply", registry=LIFE)
REQUEUES = Counter("eugpt_requeues", "Generations that went back into the queue", registry=LIFE)

for _reason in FinishReason.values:
    if _reason:
        _GENERATIONS.labels(_reason)


def generations_ended(finish_reason: str, error_code: str = "") -> None:
    """A row has reached its end."""
    _GENERATIONS.labels(finish_reason).inc()
    if finish_reason == FinishReason.ERROR:
        _ERRORS.labels("generation", _code(error_code)).inc()


def errors_begin(source: str, codes: Iterable[str]) -> None:
    """These show as 0 before the first: of a counter that begins with 1, `rate()` sees no rise."""
    for code in codes:
        _ERRORS.labels(source, code)


def error_told(code: str) -> None:
    """An answer of the API, an event of a stream or a message of a socket was this error."""
    _ERRORS.labels("api", _code(code)).inc()


def _code(code: str) -> str:
    """Codes are ours and few; what looks like none is not made a label."""
    return code if code.isidentifier() and len(code) <= 40 else _OTHER


# --- The way in and out, in a web process -------------------------------------------------------

_ADMISSIONS = Counter(
    "eugpt_admissions",
    "Prompts that came: queued, answered at once, repeated, or the code of their refusal",
    ["result"],
    registry=WEB,
)
# The refusals are those that an alert looks for.
_REFUSED = ("queue_full", "model_unavailable", "unavailable")
for _result in ("queued", "answered", "repeated", *_REFUSED):
    _ADMISSIONS.labels(_result)

_SOCKETS = Gauge("eugpt_sockets", "Open connections that follow replies", ["kind"], registry=WEB)
_OPEN = {kind: _SOCKETS.labels(kind) for kind in ("ws", "sse")}

STREAM_LAG = Tally(
    "eugpt_stream_lag_seconds",
    "From a worker's append to the socket that the entry was given to, by the clocks of both",
    (1 * _MS, 2 * _MS, 5 * _MS, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    WEB,
)


class _Answer(Protocol):
    @property
    def result(self) -> str: ...


P = ParamSpec("P")
A = TypeVar("A", bound=_Answer)


def admissions_counted(entry: Callable[P, A]) -> Callable[P, A]:
    """Count what becomes of each prompt that this way in is asked to take."""

    @wraps(entry)
    def counted(*args: P.args, **kwargs: P.kwargs) -> A:
        try:
            answer = entry(*args, **kwargs)
        except Exception as error:
            _ADMISSIONS.labels(_code(error_describe(error).code)).inc()
            raise
        _ADMISSIONS.labels(answer.result).inc()
        return answer

    return counted


@contextmanager
def connection_open(kind: str) -> Iterator[None]:
    """Count a socket ("ws") or a stream ("sse") while it is open."""
    _OPEN[kind].inc()
    try:
        yield
    finally:
        _OPEN[kind].dec()


def entry_sent(entry_id: str, began_ms: float) -> None:
    """An entry has gone to its reader, who follows since `began_ms`; older ones are history."""
    at_ms = int(entry_id.partition("-")[0])
    if at_ms >= began_ms:
        STREAM_LAG.add(max(time.time() - at_ms / 1000, 0.0))


# --- The engine and the publisher, in a worker --------------------------------------------------

_WAITS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)

ATTEMPTS = Counter("eugpt_attempts", "Generations that a worker has begun", registry=WORKER)
QUEUE_WAIT = Histogram(
    "eugpt_queue_wait_seconds",
    "From the queue to a worker, for each attempt from the first joining on",
    buckets=_WAITS,
    registry=WORKER,
)
TTFT = Histogram(
    "eugpt_ttft_seconds",
    "From the queue to the first word, told at the end of a generation",
    buckets=_WAITS,
    registry=WORKER,
)
_TOKENS = Counter(
    "eugpt_tokens",
    "Tokens: of contexts that were begun, of these taken over from a slot, and written",
    ["kind"],
    registry=WORKER,
)
_PROMPT, _CACHED, _GENERATED = (_TOKENS.labels(kind) for kind in ("prompt", "cached", "generated"))
BATCH = Tally(
    "eugpt_batch_size",
    "Replies that one step of the engine went on with, prompts that it read included",
    (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256),
    WORKER,
)
STEP = Tally(
    "eugpt_step_seconds",
    "One step of the engine",
    _STEPS,
    WORKER,
)
INTER_TOKEN = Tally(
    "eugpt_inter_token_seconds",
    "From a reply's token to its next one, in the engine",
    (*_STEPS, 5),
    WORKER,
)
PUBLISH = Tally(
    "eugpt_publish_seconds",
    "One append to Redis, for all replies that had something to say",
    (0.25 * _MS, 0.5 * _MS, 1 * _MS, 2 * _MS, 5 * _MS, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30),
    WORKER,
)
RESTORED = Counter(
    "eugpt_streams_restored", "Streams that Redis had lost and got back", registry=WORKER
)


class _Step(Protocol):
    """What an engine says of a step (`inference.engine.stats`)."""

    seconds: float
    interval: float
    batch: int
    continued: int
    prompt_tokens: int
    cached_tokens: int


def engine_stepped(step: _Step) -> None:
    """Called on an engine's thread after each step: a few microseconds, whatever its size."""
    BATCH.add(step.batch)
    STEP.add(step.seconds)
    if step.continued:
        INTER_TOKEN.add(step.interval, step.continued)
    if step.prompt_tokens:
        _PROMPT.inc(step.prompt_tokens)
        _CACHED.inc(step.cached_tokens)


def tokens_written(count: int) -> None:
    """What the engines gave after a step."""
    if count:
        _GENERATED.inc(count)
