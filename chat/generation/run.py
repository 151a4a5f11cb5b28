"""One generation in a worker, from claim to end entry. Runs on a Celery thread.

The task's thread does the database; the engine's thread the tokens; the publisher the stream.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import django.db

from accounts.hints import user_hint
from accounts.request_ids import working_for
from chat.delivery import streams
from chat.delivery.endings import end_event, started_event
from chat.delivery.reply import IsHeld, RunningReply, write
from chat.delivery.streams import Append, Written, encode
from chat.generation.fence import held_by_its_end, held_in_database
from chat.generation.history import begun_text, reply_turns
from chat.generation.lifecycle import (
    Outcome,
    generation_claim,
    generation_finish,
    generation_note_prompt,
    generation_snapshot,
)
from chat.generation.patience import OUTAGES, PATIENCE_S, patiently
from chat.generation.recovery import generation_recover
from chat.generation.screening import message_flag, outcome_judge, rules_hit
from chat.generation.traces import Row, trace_pack, trace_rows, trace_unpack
from chat.models import FinishReason, Generation, Message, Status
from chat.safety.rules import Verdict, Where, judge, rules_now
from inference.public import (
    Begun,
    ChatFormat,
    EngineDead,
    FittedPrompt,
    PromptTooLong,
    SamplingParams,
    ServingEngine,
    parse_params,
)

if TYPE_CHECKING:
    from chat.generation.worker import Worker

logger = logging.getLogger(__name__)

SNAPSHOT_S = 2.0
# The engine ends a reply after 120 s by itself. One that is silent for longer hangs.
SILENCE_LIMIT_S = 180.0


def generation_run(*, worker: Worker) -> bool:
    """Claim and run whichever waits longest; False when none waits. Safe to call at any time."""
    generation = patiently(lambda: generation_claim(worker_id=worker.id))
    if generation is None:
        return False
    reply = RunningReply(str(generation.pk), generation.attempt)
    with worker.holding(reply.key) as serving, working_for(generation.request_id):
        try:
            _run_claimed(worker, serving, generation, reply)
        except (EngineDead, *OUTAGES):
            logger.warning("generation %s is given back", generation.pk, exc_info=True)
            _give_back(generation)
        except Exception:
            # Whatever went wrong, the reader is told and the conversation is free again.
            logger.exception("generation %s failed", generation.pk)
            serving.thread.cancel(reply.key)
            _finish(generation, reply, _failure(reply, "internal"))
        finally:
            worker.publisher.remove(reply)
    return True


class _Start(NamedTuple):
    """What a reply begins with, and what is known of these tokens, if it was recorded."""

    begun: Begun
    logprobs: list[dict[str, Any]]


class _CannotBegin(Exception):
    """There is no request to make; the code says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def _run_claimed(
    worker: Worker, serving: ServingEngine, generation: Generation, reply: RunningReply
) -> None:
    """Prompt, engine, wait, end. Raises EngineDead when the engine fails on the way.

    `serving` is the reply's engine to its end, whichever the worker has by then.
    """
    written = patiently(lambda: streams.take_over(reply.id, generation.attempt))
    if written is None:
        return  # a later attempt was quicker
    reply.go_on(written)
    chat_format = serving.format
    reply.token_text = chat_format.tokenizer.text
    patiently(rules_now)  # the publisher does not ask
    try:
        prompt, params, start = patiently(lambda: _request(chat_format, generation, written))
    except _CannotBegin as error:
        _finish(generation, reply, _failure(reply, error.code))
        return
    generation.model, generation.model_sha256 = chat_format.name, chat_format.sha256
    generation.prompt_tokens = len(prompt.token_ids)
    generation.context_trimmed = prompt.trimmed
    reply.begun_tokens = len(start.begun.token_ids)
    # Ids mean nothing to another checkpoint: what one began, another cannot continue.
    is_foreign = bool(written.token_ids) and not chat_format.wrote(written.model, written.sha256)
    if is_foreign or _is_full(written, params.max_tokens, prompt, chat_format.context_length):
        reply.finish = "length"
        _finish(generation, reply, _outcome(chat_format, reply))
        return
    if not written.is_started:
        started = started_event(generation)
        append_entry(generation, reply, "started", started, beside=chat_format.sha256)
    if start.begun.token_ids and not reply.next_seq:
        _begin(generation, reply, start)
    _run_in_engine(worker, serving, generation, reply, prompt, params)


def _run_in_engine(
    worker: Worker,
    serving: ServingEngine,
    generation: Generation,
    reply: RunningReply,
    prompt: FittedPrompt,
    params: SamplingParams,
) -> None:
    worker.publisher.add(reply)
    serving.thread.submit(reply.key, prompt.token_ids, params, list(reply.token_ids))
    _wait(serving, generation, reply)
    if reply.is_refused:
        _give_back(generation)
        return
    if reply.first_token_at is not None:
        generation.first_token_at = datetime.fromtimestamp(reply.first_token_at, UTC)
    _finish(generation, reply, _outcome(serving.format, reply))


def _request(
    chat_format: ChatFormat, generation: Generation, written: Written
) -> tuple[FittedPrompt, SamplingParams, _Start]:
    """The prompt, the params and the words the reply begins with; raises _CannotBegin.

    `max_tokens` of the params counts those words, too: the engine takes them as written.
    """
    # What was brought along comes first: the messages of a chat that was kept in the middle of a
    # reply may be more than those that its first words were made from.
    turns = written.turns
    if turns is None and generation.message_id is not None:
        turns = reply_turns(generation.message_id)
    if turns is None:
        raise _CannotBegin("input_expired")
    params = chat_format.known(parse_params(generation.params))
    start = _start(chat_format, generation, params)
    begun_tokens = len(start.begun.token_ids)
    try:
        prompt = chat_format.fit(turns, params.max_tokens, begun_tokens)
    except PromptTooLong:
        raise _CannotBegin("prompt_too_long") from None
    return prompt, replace(params, max_tokens=params.max_tokens + begun_tokens), start


def _start(chat_format: ChatFormat, generation: Generation, params: SamplingParams) -> _Start:
    """The recorded tokens that it begins with, else the words of what it goes on with.

    Raises _CannotBegin where the tokens are another model's: their ids mean nothing to this one.
    """
    rows = trace_rows(generation)[: generation.begun_tokens] if generation.begun_tokens else []
    if not rows:
        return _Start(chat_format.begin(begun_text(generation), params.stop), [])
    if not chat_format.wrote(generation.model, generation.model_sha256):
        raise _CannotBegin("model_unavailable")
    begun = chat_format.begin_with([row[0] for row in rows], params.stop)
    return _Start(begun, trace_unpack(rows) if params.logprobs else [])


def _begin(generation: Generation, reply: RunningReply, start: _Start) -> None:
    """The first words of a reply that goes on with others, as one token entry."""
    (ids, text), logprobs = start
    reply.token_ids, reply.text, reply.logprobs = list(ids), text, list(logprobs)
    # A part of a character or of a stop string, or words that may go on as harmless ones: they go
    # with the first words, through the publisher.
    if not text or judge(text, Where.REPLY).deciding is not None:
        reply.pending_ids, reply.pending_logprobs = list(ids), list(logprobs)
        reply.pending_text = text
        return
    data: dict[str, Any] = {"seq": 0, "text": text}
    if logprobs:
        data["logprobs"] = logprobs
    append_entry(generation, reply, "token", data, beside=",".join(map(str, ids)))
    reply.next_seq, reply.told_chars = 1, len(text)


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


def _is_full(written: Written, max_tokens: int, prompt: FittedPrompt, context: int) -> bool:
    """Whether an earlier attempt wrote everything but the end."""
    count = len(written.token_ids)
    return count >= max_tokens or len(prompt.token_ids) + count >= context


def _wait(serving: ServingEngine, generation: Generation, reply: RunningReply) -> None:
    """Wait for the last word, saving what there is now and then; raises EngineDead."""
    is_noted = False
    count, heard = 0, time.monotonic()
    while not reply.is_over.wait(SNAPSHOT_S):
        if len(reply.token_ids) != count:
            count, heard = len(reply.token_ids), time.monotonic()
        elif time.monotonic() - heard > SILENCE_LIMIT_S:
            raise EngineDead("the engine has said nothing for too long")
        try:
            if not is_noted:  # most replies have ended by now, and their end says it, too
                generation_note_prompt(generation=generation)
                is_noted = True
            rules_now()
            generation_snapshot(generation=generation, text=reply.told_text)
        except django.db.Error:
            django.db.close_old_connections()  # a broken one would stay broken
            logger.warning("no snapshot of %s: the database does not answer", generation.pk)
        if serving.thread.is_dead and not reply.is_over.wait(SNAPSHOT_S):
            raise EngineDead


def _outcome(chat_format: ChatFormat, reply: RunningReply) -> Outcome:
    ends = {
        "stop": (Status.COMPLETED, FinishReason.STOP),
        "length": (Status.COMPLETED, FinishReason.LENGTH),
        "cancelled": (Status.CANCELLED, FinishReason.CANCELLED),
        "filtered": (Status.COMPLETED, FinishReason.FILTERED),
    }
    if reply.finish not in ends:
        return _failure(reply, reply.error or "internal")
    status, reason = ends[reply.finish]
    told = chat_format.count_told(reply.token_ids, reply.text)
    return Outcome(
        status, reason, text=reply.text, completion_tokens=reply.completion_tokens,
        trace=_trace(reply)[:told],
    )  # fmt: skip


def _failure(reply: RunningReply, code: str) -> Outcome:
    """A failed end that keeps the words there are."""
    return Outcome(
        Status.FAILED, FinishReason.ERROR, error_code=code, text=reply.text,
        completion_tokens=reply.completion_tokens, trace=_trace(reply),
    )  # fmt: skip


def _trace(reply: RunningReply) -> list[Row]:
    """What is recorded of all tokens; nothing where some have nothing, as begun from a text."""
    is_complete = len(reply.logprobs) == len(reply.token_ids)
    return trace_pack(reply.logprobs) if is_complete else []


def _finish(generation: Generation, reply: RunningReply, outcome: Outcome) -> None:
    """Database first, then the end entry: who sees the end finds the text stored."""
    outcome, verdict = patiently(lambda: outcome_judge(outcome, reply.stopped_by))
    is_filtered = outcome.finish_reason == FinishReason.FILTERED
    if is_filtered and reply.can_write:
        _forget_words(reply)
    is_mine = patiently(lambda: generation_finish(generation=generation, outcome=outcome))
    if not is_mine:
        logger.warning("generation %s was taken over; its end is not ours", generation.pk)
        return
    _tell_end(generation, reply, outcome)
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


def _give_back(generation: Generation) -> None:
    """Let another worker go on: the engine died, a server is away, or the stream refused us.

    A refusal means that another attempt holds it; then the row is not ours either and nothing
    happens.
    """
    patiently(lambda: generation_recover(generation=generation))
