"""What all submissions have in common: limits, one transaction for the rows, the task after it."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import redis.exceptions
from django.db import IntegrityError, transaction
from kombu.exceptions import OperationalError as BrokerError

from accounts.hints import user_hint
from accounts.work import say, work_on
from chat import metrics
from chat.delivery import streams
from chat.delivery.endings import end_event, started_event
from chat.errors import ApiError, GenerationRunning, Unavailable
from chat.generation import branches
from chat.generation.admission import prompt_count, prompt_give_back, queue_join
from chat.generation.branches import Branch
from chat.generation.checks import chat_format
from chat.generation.owner import Owner
from chat.generation.queue import QueuePlace
from chat.generation.screening import generation_filter, message_flag, prompt_judge
from chat.generation.traces import Row, trace_write
from chat.models import UNFINISHED, Generation, Status
from inference.public import Turn

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Submitted:
    """What the client is told: ids; conversation and messages are None where nothing is kept.

    `place` is the place in the queue at the moment of joining; None for a repeated request.
    """

    generation_id: uuid.UUID
    conversation_id: int | None
    user_message_id: int | None
    assistant_message_id: int | None
    place: QueuePlace | None = None
    is_new: bool = False

    @property
    def result(self) -> str:
        """What became of the request, for whoever counts."""
        if not self.is_new:
            return "repeated"
        return "queued" if self.place else "answered"


def accept(
    owner: Owner,
    generation: Generation,
    *,
    write: Callable[[], Branch] | None = None,
    turns: Sequence[Turn] = (),
    begun: Sequence[Row] = (),
    asked: str,
) -> Submitted:
    """Limits, rules, rows in one transaction, task. Afterwards all of it is there or nothing.

    The reply begins with the tokens `begun`. One that has ended already needs no place
    and no task: so does the answer to a prompt (`asked`) that a safety rule gives. Like a request
    sent twice, and like one that is refused, they cost nothing of the quota. Raises Refused.
    """
    prompt_count(owner)
    try:
        submitted = _write(owner, generation, write, turns, begun, asked)
    except BaseException:
        prompt_give_back(owner)
        raise
    if submitted.place is None:
        prompt_give_back(owner)
    return submitted


def _write(
    owner: Owner,
    generation: Generation,
    write: Callable[[], Branch] | None,
    turns: Sequence[Turn],
    begun: Sequence[Row],
    asked: str,
) -> Submitted:
    verdict = prompt_judge(asked, turns[:-1])
    generation.begun_tokens = len(begun)
    safe_text = None
    if (rule := verdict.deciding) is not None:
        generation_filter(generation, rule)
        safe_text, begun = rule.safe_text, ()
    branch: Branch | None = None
    try:
        with _kept_words(generation, turns, safe_text), transaction.atomic():
            if write is not None:
                branch = write()
                generation.conversation, generation.message = branch.conversation, branch.reply
                if safe_text is not None:
                    branch.reply.content = safe_text
                    branch.reply.save(update_fields=["content"])
            is_waiting = generation.status == Status.QUEUED
            place = queue_join(owner) if is_waiting else None
            generation.save(force_insert=True)
            if begun:
                trace_write(generation=generation, rows=begun)
    except (ApiError, IntegrityError) as error:
        return _lost_race(owner, generation, error)
    work_on(generation.pk, generation.conversation_id)
    if is_waiting:
        _enqueue(generation, branch)
    position = place.position if place else None
    say(logger, "generation accepted", owner=owner.role, position=position)
    if not is_waiting:
        metrics.generations_ended(generation.finish_reason)
    if branch is not None:
        message_flag(message=branch.prompt, author_id=generation.user_id, rules=verdict.flags)
    _tell(branch)
    return _submitted(generation, place)


@contextmanager
def _kept_words(
    generation: Generation, turns: Sequence[Turn], safe_text: str | None
) -> Iterator[None]:
    """Words that no row has wait in Redis; they are forgotten when the prompt is not taken.

    Where a rule has answered, that answer is all there is to keep.
    """
    if turns and safe_text is not None:
        generation.model = chat_format().name
        _, done = end_event(generation, safe_text)
        streams.end_anew(str(generation.pk), started_event(generation), done)
    elif turns:
        streams.keep_input(str(generation.pk), list(turns))
    try:
        yield
    except BaseException:
        if turns:
            with suppress(redis.exceptions.RedisError):  # it forgets them by itself in an hour
                streams.forget([str(generation.pk)])
        raise


def _enqueue(generation: Generation, branch: Branch | None) -> None:
    """Queue after commit. If the broker does not answer, take everything back."""
    from chat.tasks import run_generation

    try:
        run_generation.delay(str(generation.pk))
    except (redis.exceptions.RedisError, BrokerError, OSError) as error:
        if branch is not None:
            branches.take_back(branch, generation)
        else:
            Generation.objects.filter(pk=generation.pk, status=Status.QUEUED).delete()
        raise Unavailable(retry_after=5) from error


def _tell(branch: Branch | None) -> None:
    """The member's other tabs learn that the conversation has changed."""
    if branch is not None:
        user_hint(
            user_id=branch.conversation.user_id,
            kind="conversation.changed",
            conversation=branch.conversation.pk,
        )


def _lost_race(owner: Owner, generation: Generation, error: Exception) -> Submitted:
    """What the same request, sent twice at once, has made meanwhile; else says what went wrong."""
    if generation.client_id and (first := submitted_before(owner, generation.client_id)):
        return first
    if isinstance(error, IntegrityError) and generation.conversation_id is not None:
        rows = Generation.objects.filter(conversation=generation.conversation_id)
        running = rows.filter(status__in=UNFINISHED).first()
        if running is not None:
            raise GenerationRunning(generation=str(running.pk)) from None
    raise error


def submitted_before(owner: Owner, key: str) -> Submitted | None:
    """What an earlier request of the same key has made."""
    rows = Generation.objects.filter(owner_key=owner.key, client_id=key)
    ids = rows.values_list("pk", "conversation_id", "message__parent_id", "message_id")
    return next((Submitted(*found) for found in ids[:1]), None)


def _submitted(generation: Generation, place: QueuePlace | None) -> Submitted:
    message = generation.message
    return Submitted(
        generation_id=generation.pk,
        conversation_id=generation.conversation_id,
        user_message_id=message.parent_id if message else None,
        assistant_message_id=message.pk if message else None,
        place=place,
        is_new=True,
    )
