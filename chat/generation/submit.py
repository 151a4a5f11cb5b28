"""The one way in: every transport submits its prompts here.

Each entry point checks its input, then `_accept` does the same for all: limits, one transaction
for the rows, and the task after it. A repeated `client_id` returns what the first call made.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import redis.exceptions
from django.db import IntegrityError, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from accounts.hints import user_hint
from accounts.models import User
from chat.access import message_for_user
from chat.delivery import streams
from chat.errors import ApiError, GenerationRunning, Invalid, NotFound, NoTrace, Unavailable
from chat.generation import branches, history
from chat.generation.admission import queue_join, rate_check
from chat.generation.branches import Branch
from chat.generation.checks import chat_format, checked_params, client_key
from chat.generation.owner import Owner
from chat.generation.queue import QueuePlace
from chat.generation.traces import Row, branch_rows, trace_rows, trace_write
from chat.models import UNFINISHED, FinishReason, Generation, Message, Role, Status
from inference.public import SamplingParams, Turn

__all__ = [
    "Owner",
    "Submitted",
    "generation_branch",
    "generation_continue",
    "generation_edit",
    "generation_regenerate",
    "generation_submit",
    "generation_submit_detached",
]


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


def generation_submit(
    *,
    owner: Owner,
    text: Any,
    conversation_id: int | None = None,
    history_input: Any = None,
    params: Any = None,
    client_id: str | None = None,
    is_temporary: bool = False,
) -> Submitted:
    """Accept a prompt: a member's goes into a conversation, a guest's brings its history along.

    So does a temporary one of a member: of its text nothing is kept in the database.
    Raises Invalid, BadParams, NotFound, PromptTooLong, RateLimited, TooManyReplies, QueueFull,
    GenerationRunning, ModelUnavailable, Unavailable; the other entry points do, too.
    """
    key = client_key(owner, client_id, text, history_input)
    if key and (first := _find(owner, key)):
        return first
    message = history.check_text(text)
    if owner.user is not None:
        _check_kind(is_temporary, conversation_id, history_input)
    if owner.user is None or is_temporary:
        turns = [*history.check_history(history_input), Turn("user", message)]
        return _detached(owner, turns, params, key)
    sampling = checked_params(params, message)
    write = partial(branches.write_exchange, owner.user, conversation_id, message)
    return _accept(owner, _new(owner, sampling, key), write=write)


def generation_submit_detached(
    *, owner: Owner, turns: Sequence[Turn], params: Any = None, client_id: str | None = None
) -> Submitted:
    """Accept checked turns, the last one the user's, of which no text is kept in the database."""
    key = client_key(owner, client_id, turns)
    if key and (first := _find(owner, key)):
        return first
    return _detached(owner, turns, params, key)


def generation_regenerate(
    *, owner: Owner, message_id: int, params: Any = None, client_id: str | None = None
) -> Submitted:
    """Another reply beside the assistant's message (or to the user's).

    Without `params` those of the old reply hold, with a new seed.
    """
    user, key = _member(owner), client_key(owner, client_id)
    if key and (first := _find(owner, key)):
        return first
    message = message_for_user(user=user, message_id=message_id)
    old = Generation.objects.filter(message=message).first()
    if params is None and old is not None:
        params = _without_seed(old)
    generation = _new(owner, checked_params(params, _asked(message)), key)
    return _accept(owner, generation, write=partial(branches.write_again, user, message))


def generation_edit(
    *, owner: Owner, message_id: int, text: Any, params: Any = None, client_id: str | None = None
) -> Submitted:
    """Another prompt beside the user's message, and its reply."""
    user, key = _member(owner), client_key(owner, client_id)
    if key and (first := _find(owner, key)):
        return first
    cleaned = history.check_text(text)
    sampling = checked_params(params, cleaned)
    write = partial(branches.write_edit, user, message_id, cleaned)
    return _accept(owner, _new(owner, sampling, key), write=write)


def generation_continue(
    *, owner: Owner, message_id: int, params: Any = None, client_id: str | None = None
) -> Submitted:
    """A reply that begins with the words of one that was cut short, as a branch beside it.

    Without `params` those of the old reply hold, its seed too: by default it says what it would
    have said. `max_tokens` counts the new tokens alone. Raises CannotContinue as well.
    """
    user, key = _member(owner), client_key(owner, client_id)
    if key and (first := _find(owner, key)):
        return first
    message = message_for_user(user=user, message_id=message_id)
    old = branches.continued_generation(message)
    wanted = old.params if params is None else params
    begun = _traced_rows(old, message)
    sampling = checked_params(wanted, _asked(message), begun=len(begun) or message.content)
    generation = _new(owner, sampling, key)
    generation.continues = old
    write = partial(branches.write_again, user, message)
    return _accept(owner, generation, write=write, begun=begun if sampling.logprobs else ())


def generation_branch(
    *,
    owner: Owner,
    message_id: int,
    at: int,
    token: int,
    params: Any = None,
    client_id: str | None = None,
) -> Submitted:
    """A reply whose first `at` tokens are the message's, then comes `token`, then what will.

    Without `params` those of the old reply hold, with a new seed; `max_tokens` counts the new
    tokens alone. The end of a reply is an alternative, too: it ends there, and no worker is
    needed. Raises NoTrace as well.
    """
    user, key = _member(owner), client_key(owner, client_id)
    if key and (first := _find(owner, key)):
        return first
    message = message_for_user(user=user, message_id=message_id)
    old = branches.traced_generation(message)
    model = chat_format()
    if old.model != model.name:
        raise NoTrace("Another model wrote this reply: its tokens mean nothing to this one.")
    begun = branch_rows(trace_rows(old), at, token)
    if is_end := model.is_end(token):
        begun.pop()
    text = model.reply_text([row[0] for row in begun]) if is_end else ""
    _check_branch(is_end, text, model.is_writable(token))
    wanted = _without_seed(old) if params is None else params
    generation = _new(owner, checked_params(wanted, _asked(message), begun=len(begun)), key)
    if is_end:
        _end_here(generation, old)
    write = partial(branches.write_again, user, message, text)
    return _accept(owner, generation, write=write, begun=begun)


def _check_branch(is_end: bool, text: str, is_writable: bool) -> None:
    """Whether there is something to write or to keep; raises Invalid."""
    if (is_end and text.strip()) or (not is_end and is_writable):
        return
    detail = "An empty reply is none." if is_end else "This token is never written."
    raise Invalid(detail, fields={"token": [detail]})


def _end_here(generation: Generation, old: Generation) -> None:
    """Complete as it is: nothing is left to write."""
    now = timezone.now()
    generation.status, generation.finish_reason = Status.COMPLETED, FinishReason.STOP
    generation.queued_at = generation.started_at = generation.finished_at = now
    generation.model, generation.prompt_tokens = old.model, old.prompt_tokens
    generation.context_trimmed = old.context_trimmed
    generation.has_trace = bool(generation.params["logprobs"])


def _traced_rows(old: Generation, message: Message) -> list[Row]:
    """The recorded tokens of a reply, if the model of today can go on with just these."""
    model = chat_format()
    if not old.has_trace or old.model != model.name:
        return []
    rows = trace_rows(old)
    return rows if model.reply_text([row[0] for row in rows]) == message.content else []


def _without_seed(old: Generation) -> dict[str, Any]:
    return {name: value for name, value in old.params.items() if name != "seed"}


def _detached(owner: Owner, turns: Sequence[Turn], params: Any, key: str | None) -> Submitted:
    sampling = checked_params(params, turns[-1].content)
    return _accept(owner, _new(owner, sampling, key), turns=turns)


def _accept(
    owner: Owner,
    generation: Generation,
    *,
    write: Callable[[], Branch] | None = None,
    turns: Sequence[Turn] = (),
    begun: Sequence[Row] = (),
) -> Submitted:
    """Limits, rows in one transaction, task. Either all of it is there afterwards or nothing.

    The reply begins with the tokens `begun`. One that has ended already needs no task.
    """
    rate_check(owner)
    generation.begun_tokens = len(begun)
    branch: Branch | None = None
    try:
        with _kept_input(generation, turns), transaction.atomic():
            if write is not None:
                branch = write()
                generation.conversation, generation.message = branch.conversation, branch.reply
            place = queue_join(owner)
            generation.save(force_insert=True)
            if begun:
                trace_write(generation=generation, rows=begun)
    except (ApiError, IntegrityError) as error:
        return _lost_race(owner, generation, error)
    if generation.status != Status.QUEUED:
        _tell(branch)
        return _submitted(generation, None)
    _enqueue(generation, branch)
    _tell(branch)
    return _submitted(generation, place)


@contextmanager
def _kept_input(generation: Generation, turns: Sequence[Turn]) -> Iterator[None]:
    """Words that no row has wait in Redis; they are forgotten when the prompt is refused."""
    if turns:
        streams.keep_input(str(generation.pk), list(turns))
    try:
        yield
    except BaseException:
        if turns:
            with suppress(redis.exceptions.RedisError):  # it forgets them by itself in an hour
                streams.forget_input(str(generation.pk))
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
    if generation.client_id and (first := _find(owner, generation.client_id)):
        return first
    if isinstance(error, IntegrityError) and generation.conversation_id is not None:
        rows = Generation.objects.filter(conversation=generation.conversation_id)
        running = rows.filter(status__in=UNFINISHED).first()
        if running is not None:
            raise GenerationRunning(generation=str(running.pk)) from None
    raise error


def _find(owner: Owner, key: str) -> Submitted | None:
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
    )


def _new(owner: Owner, sampling: SamplingParams, key: str | None) -> Generation:
    return Generation(
        owner_key=owner.key, user=owner.user, client_id=key, params=sampling.to_dict()
    )


def _check_kind(is_temporary: bool, conversation_id: int | None, history_input: Any) -> None:
    """A member's prompt is in a conversation or brings its history along; raises Invalid."""
    if is_temporary and conversation_id is not None:
        detail = "A temporary prompt belongs to no conversation."
        raise Invalid(detail, fields={"temporary": [detail]})
    if not is_temporary and history_input is not None:
        detail = "Only a temporary prompt brings its history along."
        raise Invalid(detail, fields={"history": [detail]})


def _asked(message: Message) -> str:
    """The prompt that a message is, or answers."""
    prompt = message if message.role == Role.USER else message.parent
    return prompt.content if prompt else ""


def _member(owner: Owner) -> User:
    """Guests have no stored messages: whatever they name is not there. Raises NotFound."""
    if owner.user is None:
        raise NotFound
    return owner.user
