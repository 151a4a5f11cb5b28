"""What an operator does to a reply: queue it anew, or stop it."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from chat.delivery import streams
from chat.errors import GenerationRunning, Invalid
from chat.generation.lifecycle import generation_requeue
from chat.generation.recovery import send_task
from chat.generation.workers import workers_alive
from chat.models import UNFINISHED, FinishReason, Generation, Message, Status

_AGAIN = (Status.FAILED, Status.CANCELLED)


def generation_again(*, generation: Generation) -> None:
    """Write a reply anew, with the same seed: one that failed or was cancelled, or one that runs
    where its worker is gone. Its text so far is dropped, and readers see it begin again.

    Raises Invalid for what cannot be, GenerationRunning where another one runs in its conversation.
    """
    if generation.status == Status.RUNNING:
        _take_back(generation)
    elif generation.status in _AGAIN:
        _reset(generation)
    else:
        raise Invalid("Only what has failed, was cancelled or has lost its worker is queued anew.")
    send_task(str(generation.pk))


def _take_back(generation: Generation) -> None:
    """By compare-and-set; the next attempt is the fence that refuses what the lost worker says."""
    if generation.worker_id in workers_alive():
        raise Invalid("Its worker is alive. Stop the reply instead.")
    if not generation_requeue(generation=generation):
        raise Invalid("It has gone on meanwhile.")


def _reset(generation: Generation) -> None:
    if generation.message_id is None:
        raise Invalid("Of guests' and temporary prompts nothing is kept that could be answered.")
    try:
        with transaction.atomic():
            rows = Generation.objects.filter(
                pk=generation.pk, status=generation.status, attempt=generation.attempt,
                user__is_active=True, message__hidden_at=None, conversation__hidden_at=None,
            )  # fmt: skip
            locked = rows.select_for_update(of=("self",)).first()
            if locked is None:
                raise Invalid("It has changed, is hidden, or its user is suspended.")
            Generation.objects.filter(pk=locked.pk).update(**_fresh(locked))
            Message.objects.filter(generation=locked).update(content="")
            # In the transaction: no worker can claim the row before its old stream is gone.
            streams.forget([str(locked.pk)])
    except IntegrityError:
        running = Generation.objects.filter(
            conversation=generation.conversation_id, status__in=UNFINISHED
        )
        first = running.values_list("pk", flat=True).first()
        raise GenerationRunning(generation=str(first)) from None


def _fresh(generation: Generation) -> dict[str, object]:
    """As it was when it was asked, but for `attempt`, which rises for ever: it is the fence."""
    return {
        "status": Status.QUEUED,
        "finish_reason": FinishReason.NONE,
        "error_code": "",
        "worker_id": "",
        "completion_tokens": 0,
        "queued_at": timezone.now(),
        "started_at": None,
        "first_token_at": None,
        "finished_at": None,
        "has_trace": False,
    }
