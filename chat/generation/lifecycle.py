"""Every change of a generation's status, each one guarded: compare, then set.

queued → running → completed | cancelled | failed, and running → queued when a worker is lost.
A caller whose comparison fails has lost: it learns so and must not write anywhere else.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from chat import metrics
from chat.generation.traces import Row, trace_write
from chat.models import Conversation, FinishReason, Generation, Message, Status, Trace

MAX_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a generation ended, for the database and for the end entry alike."""

    status: Status
    finish_reason: FinishReason
    error_code: str = ""
    text: str = ""
    completion_tokens: int = 0
    trace: Sequence[Row] = field(default_factory=list)  # empty where none was asked for
    notice: dict[str, str] | None = None  # of a filtered one


def generation_claim(*, worker_id: str) -> Generation | None:
    """queued → running for this worker, whichever waits longest; None when none waits.

    `started_at` is the time of the claim that holds, so a later attempt moves it. All times that
    a worker gives are by the database's clock: its own may be another one than the web's.
    """
    columns = [field.attname for field in Generation._meta.concrete_fields]
    with connection.cursor() as cursor:
        # Django has no update that returns the row; reading it would be a second round trip.
        cursor.execute(
            "UPDATE chat_generation"
            " SET status = %s, worker_id = %s, attempt = attempt + 1,"
            " started_at = clock_timestamp()"
            " WHERE id = (SELECT id FROM chat_generation WHERE status = %s"
            " ORDER BY queued_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)"
            f" RETURNING {', '.join(columns)}",
            [Status.RUNNING, worker_id, Status.QUEUED],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    generation: Generation = Generation.from_db(connection.alias, columns, row)
    generation.params = json.loads(row[columns.index("params")])  # as JSONField reads it
    assert generation.started_at is not None
    generation.clock = generation.started_at - timezone.now()
    metrics.ATTEMPTS.inc()
    metrics.QUEUE_WAIT.observe(_between_s(generation.queued_at, generation.started_at))
    return generation


def generation_snapshot(*, generation: Generation, text: str) -> None:
    """Save what is written so far, while the claim holds.

    A guest's text is saved from when its chat is kept: the row knows, `generation` may be older.
    """
    with transaction.atomic():
        held = _held(generation).select_for_update().values_list("message", flat=True)
        if (message_id := held.first()) is not None:
            Message.objects.filter(pk=message_id).update(content=text)


def generation_note_prompt(*, generation: Generation) -> None:
    """Save what is known before the first token: model, prompt size, trimmed turns."""
    _held(generation).update(**_noted(generation))


def generation_finish(*, generation: Generation, outcome: Outcome) -> bool:
    """running → ended, with text and trace, in one transaction; False when the claim was lost.

    The given `generation` then says what its row says.
    """
    now = timezone.now() + generation.clock
    ended = _noted(generation) | {
        "status": outcome.status,
        "finish_reason": outcome.finish_reason,
        "error_code": outcome.error_code,
        "notice": outcome.notice,
        "completion_tokens": outcome.completion_tokens,
        "first_token_at": generation.first_token_at,
        "finished_at": now,
    }
    with transaction.atomic():
        if not _held(generation).update(**ended):
            return False
        if generation.message_id is None:  # as it was claimed; its chat may be kept by now
            generation.refresh_from_db(fields=["message", "conversation", "user", "owner_key"])
        if generation.message_id is not None:
            _store(generation, outcome, now)
    for name, value in ended.items():
        setattr(generation, name, value)
    metrics.generations_ended(outcome.finish_reason, outcome.error_code)
    if generation.first_token_at is not None:
        metrics.TTFT.observe(_between_s(generation.queued_at, generation.first_token_at))
    return True


def _store(generation: Generation, outcome: Outcome, now: datetime) -> None:
    """The reply itself, which nothing keeps of guests."""
    assert generation.message_id is not None
    assert generation.conversation_id is not None  # a message has one
    Message.objects.filter(pk=generation.message_id).update(content=outcome.text)
    Conversation.objects.filter(pk=generation.conversation_id).update(updated_at=now)
    if outcome.finish_reason == FinishReason.FILTERED:
        Trace.objects.filter(generation=generation.pk).delete()  # what it began with
    elif outcome.trace:
        trace_write(generation=generation, rows=outcome.trace)
        Generation.objects.filter(pk=generation.pk).update(has_trace=True)


def generation_requeue(*, generation: Generation) -> bool:
    """running → queued, for another worker; False when the claim was lost meanwhile."""
    is_mine = bool(_held(generation).update(status=Status.QUEUED, worker_id=""))
    if is_mine:
        metrics.REQUEUES.inc()
    return is_mine


def generation_is_locked(*, generation: Generation) -> bool:
    """Whether somebody's transaction holds the row, perhaps that of a worker that is cut off.

    Who waited for the lock would let all others wait until the database gives that client up.
    """
    with transaction.atomic():
        rows = Generation.objects.filter(pk=generation.pk)
        return rows.select_for_update(skip_locked=True).values("pk").first() is None


def generation_running_attempts(*, ids: Sequence[str]) -> dict[str, int]:
    """The attempts of those that run; one query."""
    rows = Generation.objects.filter(pk__in=ids, status=Status.RUNNING)
    return {str(pk): attempt for pk, attempt in rows.values_list("pk", "attempt")}


def generation_cancel_queued(*, generation_id: uuid.UUID) -> bool:
    """queued → cancelled; False when a worker was quicker (or it has ended)."""
    return _end_queued(generation_id, Status.CANCELLED, FinishReason.CANCELLED)


def generation_expire_queued(*, generation_id: uuid.UUID) -> bool:
    """queued → failed, for one that has waited too long; False when a worker was quicker."""
    return _end_queued(generation_id, Status.FAILED, FinishReason.ERROR, "input_expired")


def _end_queued(
    generation_id: uuid.UUID, status: Status, reason: FinishReason, error_code: str = ""
) -> bool:
    is_ended = bool(
        Generation.objects.filter(pk=generation_id, status=Status.QUEUED).update(
            status=status, finish_reason=reason, error_code=error_code, finished_at=timezone.now()
        )
    )
    if is_ended:
        metrics.generations_ended(reason, error_code)
    return is_ended


def _between_s(start: datetime, end: datetime | None) -> float:
    return max((end - start).total_seconds(), 0.0) if end else 0.0


def _noted(generation: Generation) -> dict[str, Any]:
    names = ("model", "model_sha256", "prompt_tokens", "context_trimmed")
    return {name: getattr(generation, name) for name in names}


def _held(generation: Generation) -> QuerySet[Generation]:
    """The row, if the claim that `generation` was read with still holds."""
    return Generation.objects.filter(
        pk=generation.pk, status=Status.RUNNING, attempt=generation.attempt
    )
