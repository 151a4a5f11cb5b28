"""The end of a generation in a worker: what came of it, stored first, told then."""

from __future__ import annotations

import logging
from typing import Any

from django.utils import timezone

from accounts.hints import user_hint
from chat.delivery import streams
from chat.delivery.endings import end_event, ended_say, started_event
from chat.delivery.reply import IsHeld, RunningReply, write
from chat.delivery.streams import Append, encode
from chat.generation.fence import held_by_its_end, held_in_database
from chat.generation.lifecycle import Outcome, generation_finish
from chat.generation.patience import PATIENCE_S, patiently
from chat.generation.screening import message_flag, outcome_judge, rules_hit
from chat.generation.spans import generation_trace
from chat.generation.traces import Row, trace_pack
from chat.models import FinishReason, Generation, Message, Status
from chat.safety.rules import Verdict
from inference.public import ChatFormat

logger = logging.getLogger(__name__)


def append_entry(
    generation: Generation,
    reply: RunningReply,
    kind: str,
    data: dict[str, Any],
    *,
    beside: str = "",
    is_held: IsHeld = held_in_database,
) -> None:
    """Append an entry while the publisher does not have the reply."""
    addition = reply.addition(kind, encode(data), beside)
    answers = write([(reply, addition)], is_held, PATIENCE_S)
    if answers[0] == Append.REFUSED:
        logger.warning("%s of generation %s was refused", kind, generation.pk)


def outcome_of(chat_format: ChatFormat, reply: RunningReply) -> Outcome:
    """What the engine made of it."""
    ends = {
        "stop": (Status.COMPLETED, FinishReason.STOP),
        "length": (Status.COMPLETED, FinishReason.LENGTH),
        "cancelled": (Status.CANCELLED, FinishReason.CANCELLED),
        "filtered": (Status.COMPLETED, FinishReason.FILTERED),
    }
    if reply.finish not in ends:
        return failure_of(reply, reply.error or "internal")
    status, reason = ends[reply.finish]
    told = chat_format.count_told(reply.token_ids, reply.text)
    return Outcome(
        status, reason, text=reply.text, completion_tokens=reply.completion_tokens,
        trace=_trace(reply)[:told],
    )  # fmt: skip


def failure_of(reply: RunningReply, code: str) -> Outcome:
    """A failed end that keeps the words there are."""
    return Outcome(
        Status.FAILED, FinishReason.ERROR, error_code=code, text=reply.text,
        completion_tokens=reply.completion_tokens, trace=_trace(reply),
    )  # fmt: skip


def _trace(reply: RunningReply) -> list[Row]:
    """What is recorded of all tokens; nothing where some have nothing, as begun from a text."""
    is_complete = len(reply.logprobs) == len(reply.token_ids)
    return trace_pack(reply.logprobs) if is_complete else []


def reply_finish(generation: Generation, reply: RunningReply, outcome: Outcome) -> None:
    """Database first, then the end entry: who sees the end finds the text stored."""
    written_at = timezone.now()
    outcome, verdict = patiently(lambda: outcome_judge(outcome, reply.stopped_by))
    is_filtered = outcome.finish_reason == FinishReason.FILTERED
    if is_filtered and reply.can_write:
        _forget_words(reply)
    is_mine = patiently(lambda: generation_finish(generation=generation, outcome=outcome))
    if not is_mine:
        logger.warning("generation %s was taken over; its end is not ours", generation.pk)
        return
    _tell_end(generation, reply, outcome)
    ended_say(generation)
    generation_trace(generation, written_at)
    _note_rules(generation, reply, verdict)
    if generation.user_id is not None and generation.conversation_id is not None:
        user_hint(
            user_id=generation.user_id,
            kind="conversation.changed",
            conversation=generation.conversation_id,
        )


def _tell_end(generation: Generation, reply: RunningReply, outcome: Outcome) -> None:
    kind, data = end_event(generation, outcome.text)
    is_filtered = outcome.finish_reason == FinishReason.FILTERED
    if reply.can_write:
        if is_filtered:
            started = started_event(generation)
            append_entry(generation, reply, "started", started, is_held=held_by_its_end)
        append_entry(generation, reply, kind, data, is_held=held_by_its_end)
    elif is_filtered:
        streams.end_anew(reply.id, started_event(generation), data)
    else:
        streams.end_unclaimed(reply.id, kind, data)


def _forget_words(reply: RunningReply) -> None:
    """Before the row says so: a worker lost in between leaves a stream to be begun anew.

    What Redis loses from here on is not put back.
    """
    reply.entries = []
    patiently(lambda: streams.drop_words(reply.id, reply.attempt))


def _note_rules(generation: Generation, reply: RunningReply, verdict: Verdict) -> None:
    """Count what was found in the reply; flag it where it stands as it was written."""
    rules_hit(verdict.rules or ([reply.stopped_by] if reply.stopped_by else []))
    if generation.notice is None and verdict.flags and generation.message_id is not None:
        message = Message.objects.filter(pk=generation.message_id).first()
        message_flag(message=message, author_id=generation.user_id, rules=verdict.flags)
