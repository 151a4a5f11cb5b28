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

from accounts.request_ids import working_for
from accounts.work import say, working_on
from chat.delivery import streams
from chat.delivery.endings import started_event
from chat.delivery.reply import RunningReply
from chat.delivery.streams import Written
from chat.generation.ending import append_entry, failure_of, outcome_of, reply_finish
from chat.generation.history import begun_text, reply_turns
from chat.generation.lifecycle import (
    generation_claim,
    generation_note_prompt,
    generation_snapshot,
)
from chat.generation.patience import OUTAGES, patiently
from chat.generation.recovery import generation_recover
from chat.generation.traces import trace_rows, trace_unpack
from chat.models import Generation
from chat.safety.rules import Where, judge, rules_now
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
    with (
        worker.holding(reply.key) as serving,
        working_for(generation.request_id),
        working_on(generation.pk, generation.conversation_id),
    ):
        say(logger, "generation claimed", attempt=generation.attempt, worker=worker.id)
        try:
            _run_claimed(worker, serving, generation, reply)
        except (EngineDead, *OUTAGES) as error:
            logger.warning("generation %s is given back", generation.pk, exc_info=True)
            _give_back(generation, type(error).__name__)
        except Exception:
            # Whatever went wrong, the reader is told and the conversation is free again.
            logger.exception("generation %s failed", generation.pk)
            serving.thread.cancel(reply.key)
            reply_finish(generation, reply, failure_of(reply, "internal"))
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
        reply_finish(generation, reply, failure_of(reply, error.code))
        return
    generation.model, generation.model_sha256 = chat_format.name, chat_format.sha256
    generation.prompt_tokens = len(prompt.token_ids)
    generation.context_trimmed = prompt.trimmed
    reply.begun_tokens = len(start.begun.token_ids)
    # Ids mean nothing to another checkpoint: what one began, another cannot continue.
    is_foreign = bool(written.token_ids) and not chat_format.wrote(written.model, written.sha256)
    if is_foreign or _is_full(written, params.max_tokens, prompt, chat_format.context_length):
        reply.finish = "length"
        reply_finish(generation, reply, outcome_of(chat_format, reply))
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
        _give_back(generation, "refused")
        return
    if reply.first_token_at is not None:
        first = datetime.fromtimestamp(reply.first_token_at, UTC)
        generation.first_token_at = first + generation.clock
    reply_finish(generation, reply, outcome_of(serving.format, reply))


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


def _give_back(generation: Generation, reason: str) -> None:
    """Let another worker go on: the engine died, a server is away, or the stream refused us.

    A refusal means that another attempt holds it; then the row is not ours either and nothing
    happens.
    """
    patiently(lambda: generation_recover(generation=generation, reason=reason))
