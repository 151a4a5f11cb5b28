"""What the dashboard shows, counted by the database in a few bounded queries.

A query that takes longer than `TIME_LIMIT_MS` is given up: the dashboard then says so, and the
rest of EuGPT does not wait for it. Answers are kept for `KEPT_S` in each process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from psycopg.errors import QueryCanceled

TIME_LIMIT_MS = 3000
KEPT_S = 20
CODES_MAX = 8


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in equal steps, the last of which has not ended."""

    name: str
    title: str
    steps: int
    step: timedelta
    unit: str  # of PostgreSQL's date_trunc
    label: str  # of strftime

    def starts(self) -> list[datetime]:
        """The beginnings of the steps, oldest first."""
        now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        last = now if self.unit == "hour" else now.replace(hour=0)
        return [last - self.step * back for back in range(self.steps - 1, -1, -1)]


DAY = Span("day", "24 hours", 24, timedelta(hours=1), "hour", "%H:%M")
FORTNIGHT = Span("fortnight", "14 days", 14, timedelta(days=1), "day", "%d %b")
SPANS = {span.name: span for span in (DAY, FORTNIGHT)}


@dataclass(slots=True)
class Replies:
    """Generations of a span, step by step; None where there is nothing to measure."""

    starts: list[datetime]
    count: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    filtered: list[int] = field(default_factory=list)
    first_word_p50_s: list[float | None] = field(default_factory=list)
    first_word_p95_s: list[float | None] = field(default_factory=list)
    tokens_per_s: list[float | None] = field(default_factory=list)
    members: list[int] = field(default_factory=list)
    codes: list[tuple[str, int]] = field(default_factory=list)


class TooSlow(Exception):
    """The database needed longer than the dashboard may wait."""


T = TypeVar("T")


class Kept(Generic[T]):
    """The newest answer of a function of a span; one thread asks while the others wait for it."""

    def __init__(self, ask: Callable[[Span], T]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._answers: dict[str, tuple[float, T]] = {}

    def __call__(self, span: Span) -> T:
        with self._lock:
            at, answer = self._answers.get(span.name, (-float(KEPT_S), None))
            if answer is None or time.monotonic() - at > KEPT_S:
                answer = self._ask(span)
                self._answers[span.name] = (time.monotonic(), answer)
            return answer

    def forget(self) -> None:
        self._answers.clear()


@contextmanager
def _in_time() -> Iterator[Any]:
    """A cursor whose queries are given up after the limit; raises TooSlow."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {TIME_LIMIT_MS}")
            yield cursor
            cursor.execute("SET LOCAL statement_timeout = DEFAULT")
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TooSlow from None
        raise


_REPLIES = """
    SELECT date_trunc(%(unit)s, queued_at, 'UTC') AS step,
        count(*),
        count(*) FILTER (WHERE status = 'failed'),
        count(*) FILTER (WHERE finish_reason = 'filtered'),
        percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (
            ORDER BY extract(epoch FROM first_token_at - queued_at)
        ) FILTER (WHERE first_token_at IS NOT NULL),
        percentile_cont(0.5) WITHIN GROUP (
            ORDER BY (completion_tokens - 1) / extract(epoch FROM finished_at - first_token_at)
        ) FILTER (WHERE completion_tokens > 8 AND finished_at > first_token_at),
        count(DISTINCT user_id)
    FROM chat_generation WHERE queued_at >= %(since)s GROUP BY step
"""
_CODES = """
    SELECT coalesce(nullif(error_code, ''), 'unknown') AS code, count(*)
    FROM chat_generation WHERE status = 'failed' AND queued_at >= %s
    GROUP BY code ORDER BY count(*) DESC, code LIMIT %s
"""


def _replies(span: Span) -> Replies:
    starts = span.starts()
    with _in_time() as cursor:
        cursor.execute(_REPLIES, {"unit": span.unit, "since": starts[0]})
        rows = {row[0]: row[1:] for row in cursor.fetchall()}
        cursor.execute(_CODES, [starts[0], CODES_MAX])
        codes = [(str(code), int(count)) for code, count in cursor.fetchall()]
    found = Replies(starts, codes=codes)
    for start in starts:
        count, failed, filtered, quantiles, speed, members = rows.get(
            start, (0, 0, 0, None, None, 0)
        )
        median, slow = quantiles or (None, None)
        found.count.append(count)
        found.failed.append(failed)
        found.filtered.append(filtered)
        found.first_word_p50_s.append(median)
        found.first_word_p95_s.append(slow)
        found.tokens_per_s.append(speed)
        found.members.append(members)
    return found


def _by_step(sql: str) -> Callable[[Span], tuple[list[datetime], list[int]]]:
    """A count for each step; the query gives (step, count) since a moment."""

    def ask(span: Span) -> tuple[list[datetime], list[int]]:
        starts = span.starts()
        with _in_time() as cursor:
            cursor.execute(sql, {"unit": span.unit, "since": starts[0]})
            rows = dict(cursor.fetchall())
        return starts, [int(rows.get(start, 0)) for start in starts]

    return ask


_MESSAGES = """
    SELECT date_trunc(%(unit)s, created_at, 'UTC') AS step, count(*)
    FROM chat_message WHERE created_at >= %(since)s GROUP BY step
"""
_NEW_USERS = """
    SELECT date_trunc(%(unit)s, date_joined, 'UTC') AS step, count(*)
    FROM accounts_user WHERE date_joined >= %(since)s GROUP BY step
"""
_USERS = """
    SELECT (SELECT count(*) FROM accounts_user),
        (SELECT count(*) FROM accounts_user WHERE NOT is_active),
        (SELECT count(DISTINCT user_id) FROM accounts_session WHERE last_seen_at >= %s)
"""


def _users(span: Span) -> tuple[int, int, int]:
    """How many there are, how many of them are suspended, how many were seen in the span."""
    with _in_time() as cursor:
        cursor.execute(_USERS, [timezone.now() - span.step * span.steps])
        total, suspended, seen = cursor.fetchone()
    return int(total), int(suspended), int(seen)


replies = Kept(_replies)
messages = Kept(_by_step(_MESSAGES))
new_users = Kept(_by_step(_NEW_USERS))
users = Kept(_users)


def figures_forget() -> None:
    """Ask the database again (for tests, which change it faster than people do)."""
    for kept in (replies, messages, new_users, users):
        kept.forget()
