"""One generation in a worker, from claim to end entry. Runs on a Celery thread.

The task's thread does the database; the engine's thread the tokens; the publisher the stream.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError

from accounts.hints import user_hint
from chat.delivery import streams
from chat.delivery.endings import end_event
from chat.delivery.publisher import RunningReply
from chat.generation.history import generation_turns
from chat.generation.lifecycle import (
    Outcome,
    generation_claim,
    generation_finish,
    generation_note_prompt,
    generation_requeue,
    generation_snapshot,
)
from chat.models import FinishReason, Generation, Status
from inference.public import PromptTooLong, SamplingParams, parse_params

if TYPE_CHECKING:
    from chat.generation.worker import Worker

logger = logging.getLogger(__name__)

SNAPSHOT_S = 2.0
_DATABASE_TRIES, _DATABASE_RETRY_S = 20, 1.0
T = TypeVar("T")


def generation_run(*, worker: Worker, generation_id: uuid.UUID) -> bool:
    """Claim and run; False when it was somebody else's. Safe to call twice."""
    generation = generation_claim(generation_id=generation_id, worker_id=worker.id)
    if generation is None:
        return False
    try:
        _run_claimed(worker, generation)
    except Exception:
        # Whatever went wrong, the reader is told and the conversation is free again.
        logger.exception("generation %s failed", generation.pk)
        _fail(generation, "internal")
    return True


def _run_claimed(worker: Worker, generation: Generation) -> None:
    streams.take_over(str(generation.pk), generation.attempt)
    reply = _start(worker, generation)
    if reply is None:
        return
    try:
        while not reply.is_over.wait(SNAPSHOT_S):
            _snapshot(generation, reply)
    finally:
        worker.publisher.remove(reply)
    if reply.is_refused:
        _give_up(generation)
        return
    if reply.first_token_at is not None:
        generation.first_token_at = datetime.fromtimestamp(reply.first_token_at, UTC)
    _finish(generation, _outcome(generation, reply))


def _start(worker: Worker, generation: Generation) -> RunningReply | None:
    """Make the prompt and hand it to the engine; None when it has already ended."""
    turns = generation_turns(generation)
    if turns is None:
        _fail(generation, "input_expired")
        return None
    written = streams.read_written(str(generation.pk))
    params = parse_params(generation.params)
    chat_format = worker.serving.format
    try:
        prompt = chat_format.fit(turns, params.max_tokens)
    except PromptTooLong:
        _fail(generation, "prompt_too_long")
        return None
    generation.model = chat_format.name
    generation.prompt_tokens = len(prompt.token_ids)
    generation.context_trimmed = prompt.trimmed
    generation_note_prompt(generation=generation)
    reply = RunningReply(str(generation.pk), generation.attempt)
    reply.next_seq, reply.text = written.next_seq, written.text
    reply.token_ids = list(written.token_ids)
    if not written.is_started:
        started = {"model": chat_format.name, "context_trimmed": prompt.trimmed}
        streams.append(reply.id, reply.attempt, "started", started)
    if _is_complete(written.token_ids, params, len(prompt.token_ids), chat_format.context_length):
        _finish(generation, _length_outcome(generation, reply))
        return None
    worker.publisher.add(reply)
    worker.serving.thread.submit(reply.id, prompt.token_ids, params, written.token_ids)
    return reply


def _is_complete(ids: list[int], params: SamplingParams, prompt: int, context: int) -> bool:
    """Whether an earlier attempt wrote everything but the end."""
    return len(ids) >= params.max_tokens or prompt + len(ids) >= context


def _outcome(generation: Generation, reply: RunningReply) -> Outcome:
    status, reason = {
        "stop": (Status.COMPLETED, FinishReason.STOP),
        "length": (Status.COMPLETED, FinishReason.LENGTH),
        "cancelled": (Status.CANCELLED, FinishReason.CANCELLED),
    }.get(reply.finish, (Status.FAILED, FinishReason.ERROR))
    return Outcome(
        status=status,
        finish_reason=reason,
        error_code=reply.error,
        text=reply.text,
        prompt_tokens=generation.prompt_tokens,
        completion_tokens=len(reply.token_ids),
    )


def _length_outcome(generation: Generation, reply: RunningReply) -> Outcome:
    reply.finish = "length"
    return _outcome(generation, reply)


def _fail(generation: Generation, code: str) -> None:
    _finish(generation, Outcome(Status.FAILED, FinishReason.ERROR, error_code=code))


def _finish(generation: Generation, outcome: Outcome) -> None:
    """Database first, then the end entry: who sees the end finds the text stored."""
    is_mine = _patiently(lambda: generation_finish(generation=generation, outcome=outcome))
    if not is_mine:
        logger.warning("generation %s was taken over; its end is not ours", generation.pk)
        return
    ended = Generation.objects.get(pk=generation.pk)
    kind, data = end_event(ended, outcome.text)
    streams.append(str(ended.pk), generation.attempt, kind, data)
    if ended.user_id is not None and ended.conversation_id is not None:
        user_hint(
            user_id=ended.user_id, kind="conversation.changed", conversation=ended.conversation_id
        )


def _give_up(generation: Generation) -> None:
    """The stream refused us: another attempt holds it, or Redis has lost its data.

    In the second case the row is still ours and somebody must write it anew.
    """
    from chat.tasks import run_generation

    if generation_requeue(generation=generation):
        run_generation.delay(str(generation.pk))


def _snapshot(generation: Generation, reply: RunningReply) -> None:
    try:
        generation_snapshot(generation=generation, text=reply.text)
    except DatabaseError:
        logger.warning("no snapshot of %s: the database does not answer", generation.pk)


def _patiently(write: Callable[[], T]) -> T:
    """Try a write again while the database restarts."""
    for _ in range(_DATABASE_TRIES):
        try:
            return write()
        except (OperationalError, InterfaceError):
            logger.warning("the database does not answer, trying again", exc_info=True)
            time.sleep(_DATABASE_RETRY_S)
    return write()
