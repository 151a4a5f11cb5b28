"""Every change of a generation's status, each one guarded: compare, then set.

queued → running → completed | cancelled | failed, and running → queued when a worker is lost.
A caller whose comparison fails has lost: it learns so and must not write anywhere else.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from chat.models import Conversation, FinishReason, Generation, Message, Status

MAX_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a generation ended, for the database and for the end entry alike."""

    status: Status
    finish_reason: FinishReason
    error_code: str = ""
    text: str = ""
    completion_tokens: int = 0


def generation_claim(*, generation_id: uuid.UUID, worker_id: str) -> Generation | None:
    """queued → running for this worker; None when somebody else was first.

    `started_at` is the time of the claim that holds, so a later attempt moves it.
    """
    claimed = Generation.objects.filter(pk=generation_id, status=Status.QUEUED).update(
        status=Status.RUNNING,
        worker_id=worker_id,
        attempt=F("attempt") + 1,
        started_at=timezone.now(),
    )
    if not claimed:
        return None
    return Generation.objects.select_related("message__parent").get(pk=generation_id)


def generation_snapshot(*, generation: Generation, text: str) -> None:
    """Save what is written so far, while the claim holds. A guest's text is never saved."""
    if generation.message_id is None:
        return
    with transaction.atomic():
        if _held(generation).select_for_update().exists():
            Message.objects.filter(generation=generation).update(content=text)


def generation_note_prompt(*, generation: Generation) -> None:
    """Save what is known before the first token: model, prompt size, trimmed turns."""
    _held(generation).update(
        model=generation.model,
        prompt_tokens=generation.prompt_tokens,
        context_trimmed=generation.context_trimmed,
    )


def generation_finish(*, generation: Generation, outcome: Outcome) -> bool:
    """running → ended, with the text, in one transaction; False when the claim was lost."""
    with transaction.atomic():
        ended = _held(generation).update(
            status=outcome.status,
            finish_reason=outcome.finish_reason,
            error_code=outcome.error_code,
            completion_tokens=outcome.completion_tokens,
            first_token_at=generation.first_token_at,
            finished_at=timezone.now(),
        )
        if ended and generation.message_id is not None:
            Message.objects.filter(generation=generation).update(content=outcome.text)
            Conversation.objects.filter(generations=generation).update(updated_at=timezone.now())
    return bool(ended)


def generation_requeue(*, generation: Generation) -> bool:
    """running → queued, for another worker; False when the claim was lost meanwhile."""
    return bool(_held(generation).update(status=Status.QUEUED, worker_id=""))


def generation_cancel_queued(*, generation_id: uuid.UUID) -> bool:
    """queued → cancelled; False when a worker was quicker (or it has ended)."""
    return bool(
        Generation.objects.filter(pk=generation_id, status=Status.QUEUED).update(
            status=Status.CANCELLED,
            finish_reason=FinishReason.CANCELLED,
            finished_at=timezone.now(),
        )
    )


def _held(generation: Generation) -> QuerySet[Generation]:
    """The row, if the claim that `generation` was read with still holds."""
    return Generation.objects.filter(
        pk=generation.pk, status=Status.RUNNING, attempt=generation.attempt
    )
