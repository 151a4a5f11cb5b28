"""The one way in: every transport submits its prompts here.

Each entry point checks its input, then `accept` does the same for all. A repeated `client_id`
returns what the first call made.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.utils import timezone

from accounts.models import User
from chat.access import message_for_user, readable, readable_message_for_user
from chat.errors import Invalid, NotFound, NoTrace
from chat.generation import branches, history
from chat.generation.accept import Submitted, accept, submitted_before
from chat.generation.checks import chat_format, checked_params, client_key
from chat.generation.owner import Owner
from chat.generation.screening import generation_filter
from chat.generation.traces import Row, branch_rows, trace_rows
from chat.metrics import admissions_counted
from chat.models import FinishReason, Generation, Message, Role, Status
from chat.safety.rules import Where, judge
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


@admissions_counted
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
    if key and (first := submitted_before(owner, key)):
        return first
    message = history.check_text(text)
    if owner.user is not None:
        _check_kind(is_temporary, conversation_id, history_input)
    if owner.user is None or is_temporary:
        turns = [*history.check_history(history_input), Turn("user", message)]
        return _detached(owner, turns, params, key)
    sampling = checked_params(params, message)
    write = partial(branches.write_exchange, owner.user, conversation_id, message)
    return accept(owner, _new(owner, sampling, key), write=write, asked=message)


@admissions_counted
def generation_submit_detached(
    *, owner: Owner, turns: Sequence[Turn], params: Any = None, client_id: str | None = None
) -> Submitted:
    """Accept checked turns, the last one the user's, of which no text is kept in the database."""
    key = client_key(owner, client_id, turns)
    if key and (first := submitted_before(owner, key)):
        return first
    return _detached(owner, turns, params, key)


@admissions_counted
def generation_regenerate(
    *, owner: Owner, message_id: int, params: Any = None, client_id: str | None = None
) -> Submitted:
    """Another reply beside the assistant's message (or to the user's).

    Without `params` those of the old reply hold, with a new seed.
    """
    user, key = _member(owner), client_key(owner, client_id)
    if key and (first := submitted_before(owner, key)):
        return first
    message = message_for_user(user=user, message_id=message_id)
    old = Generation.objects.filter(message=message).first()
    if params is None and old is not None:
        params = _without_seed(old)
    asked = _asked(message)
    generation = _new(owner, checked_params(params, asked), key)
    write = partial(branches.write_again, user, message)
    return accept(owner, generation, write=write, asked=asked)


@admissions_counted
def generation_edit(
    *, owner: Owner, message_id: int, text: Any, params: Any = None, client_id: str | None = None
) -> Submitted:
    """Another prompt beside the user's message, and its reply."""
    user, key = _member(owner), client_key(owner, client_id)
    if key and (first := submitted_before(owner, key)):
        return first
    cleaned = history.check_text(text)
    sampling = checked_params(params, cleaned)
    write = partial(branches.write_edit, user, message_id, cleaned)
    return accept(owner, _new(owner, sampling, key), write=write, asked=cleaned)


@admissions_counted
def generation_continue(
    *, owner: Owner, message_id: int, params: Any = None, client_id: str | None = None
) -> Submitted:
    """A reply that begins with the words of one that was cut short, as a branch beside it.

    Without `params` those of the old reply hold, its seed too: by default it says what it would
    have said. `max_tokens` counts the new tokens alone. Raises CannotContinue as well.
    """
    user, key = _member(owner), client_key(owner, client_id)
    if key and (first := submitted_before(owner, key)):
        return first
    message = readable_message_for_user(user=user, message_id=message_id)
    old = branches.continued_generation(message)
    wanted = old.params if params is None else params
    begun = _traced_rows(old, message)
    asked = _asked(message)
    sampling = checked_params(wanted, asked, begun=len(begun) or message.content)
    generation = _new(owner, sampling, key)
    generation.continues = old
    if begun:
        generation.model, generation.model_sha256 = old.model, old.model_sha256  # whose ids
    write = partial(branches.write_again, user, message, is_begun=True)
    begun = begun if sampling.logprobs else []
    return accept(owner, generation, write=write, begun=begun, asked=asked)


@admissions_counted
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
    if key and (first := submitted_before(owner, key)):
        return first
    message = readable_message_for_user(user=user, message_id=message_id)
    old = branches.traced_generation(message)
    model = chat_format()
    if not model.wrote(old.model, old.model_sha256):
        raise NoTrace("Another model wrote this reply: its tokens mean nothing to this one.")
    begun = branch_rows(trace_rows(old), at, token)
    if is_end := model.is_end(token):
        begun.pop()
    text = model.reply_text([row[0] for row in begun]) if is_end else ""
    _check_branch(is_end, text, model.is_writable(token))
    wanted = _without_seed(old) if params is None else params
    asked = _asked(message)
    generation = _new(owner, checked_params(wanted, asked, begun=len(begun)), key)
    generation.model, generation.model_sha256 = old.model, old.model_sha256  # whose ids these are
    if is_end:
        _end_here(generation, old)
        # Cut short, it may say what the whole reply did not: "kill" of "killing".
        if (rule := judge(text, Where.REPLY).deciding) is not None:
            generation_filter(generation, rule)
            text, begun = rule.safe_text, []
    write = partial(branches.write_again, user, message, text, is_begun=True)
    return accept(owner, generation, write=write, begun=begun, asked=asked)


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
    generation.prompt_tokens = old.prompt_tokens
    generation.context_trimmed = old.context_trimmed
    generation.has_trace = bool(generation.params["logprobs"])


def _traced_rows(old: Generation, message: Message) -> list[Row]:
    """The recorded tokens of a reply, if the model of today can go on with just these."""
    model = chat_format()
    if not old.has_trace or not model.wrote(old.model, old.model_sha256):
        return []
    rows = trace_rows(old)
    return rows if model.reply_text([row[0] for row in rows]) == message.content else []


def _without_seed(old: Generation) -> dict[str, Any]:
    return {name: value for name, value in old.params.items() if name != "seed"}


def _detached(owner: Owner, turns: Sequence[Turn], params: Any, key: str | None) -> Submitted:
    sampling = checked_params(params, turns[-1].content)
    return accept(owner, _new(owner, sampling, key), turns=turns, asked=turns[-1].content)


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
    """The prompt that a message is, or answers; raises NotFound where it is hidden."""
    prompt = message if message.role == Role.USER else message.parent
    return readable(prompt).content if prompt else ""


def _member(owner: Owner) -> User:
    """Guests have no stored messages: whatever they name is not there. Raises NotFound."""
    if owner.user is None:
        raise NotFound
    return owner.user
