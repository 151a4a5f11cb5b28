"""The one way in: every transport submits its prompts here."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import uuid
from dataclasses import dataclass, replace
from typing import Any

import redis.exceptions
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from accounts.hints import user_hint
from accounts.limits import address_key, limit_hit
from accounts.models import User
from chat.access import conversation_for_user, owner_key_for_user
from chat.delivery import streams
from chat.errors import (
    BadParams,
    GenerationRunning,
    Invalid,
    ModelUnavailable,
    NotFound,
    PromptTooLong,
    QueueFull,
    Unavailable,
)
from chat.generation import history
from chat.generation.queue import QueuePlace, queue_end
from chat.models import (
    DEFAULT_TITLE,
    UNFINISHED,
    Conversation,
    Generation,
    Message,
    Role,
    Status,
)
from inference.public import (
    ChatFormat,
    ParamError,
    SamplingParams,
    Turn,
    active_chat_format,
    parse_params,
)
from inference.public import PromptTooLong as TooLong

_CLIENT_ID = re.compile(r"[\x20-\x7e]{1,64}")
_TITLE_CHARS = 60


@dataclass(frozen=True, slots=True)
class Owner:
    """Who asks: a member, or a guest known by an address only."""

    key: str
    user: User | None

    @classmethod
    def member(cls, user: User) -> Owner:
        return cls(owner_key_for_user(user.pk), user)

    @classmethod
    def guest(cls, address: str | None) -> Owner:
        """Guests of one address share limits; the address itself is stored nowhere."""
        salted = f"{settings.SECRET_KEY}:{address_key(address)}"
        return cls("g:" + hashlib.sha256(salted.encode()).hexdigest()[:32], None)


@dataclass(frozen=True, slots=True)
class Submitted:
    """What the client is told: ids; conversation and messages are None for guests.

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
) -> Submitted:
    """Accept a prompt: write its rows in one transaction, then queue it.

    A repeated `client_id` returns what the first call made. Raises Invalid, BadParams, NotFound,
    PromptTooLong, RateLimited, QueueFull, GenerationRunning, ModelUnavailable, Unavailable.
    """
    client_id = _client_key(owner, client_id, text, history_input)
    if client_id and (first := _find(owner, client_id)):
        return first
    message = history.check_text(text)
    turns = history.check_history(history_input) if owner.user is None else []
    chat_format = _chat_format()
    sampling = _check_params(params, chat_format.tokenizer.vocab_size)
    _check_fits(chat_format, message, sampling)
    limit_hit(name="prompt" if owner.user else "guest_prompt", key=owner.key)
    place = _check_room()
    generation = Generation(
        owner_key=owner.key, user=owner.user, client_id=client_id, params=sampling.to_dict()
    )
    if owner.user is None:
        streams.keep_input(str(generation.pk), [*turns, Turn("user", message)])
    is_new = conversation_id is None
    try:
        if owner.user is None:
            generation.save(force_insert=True)
        else:
            with transaction.atomic():
                _write_messages(generation, owner.user, conversation_id, message)
                generation.save(force_insert=True)
    except IntegrityError as error:
        return _lost_race(owner, generation, error)
    _enqueue(generation, is_new_conversation=is_new)
    return _submitted(generation, place)


def _write_messages(
    generation: Generation, user: User, conversation_id: int | None, text: str
) -> None:
    """Append the user's message and an empty reply to the conversation's shown branch."""
    if conversation_id is None:
        conversation = Conversation.objects.create(user=user)
    else:
        conversation_for_user(user=user, conversation_id=conversation_id)
        locked = Conversation.objects.select_for_update().filter(pk=conversation_id).first()
        if locked is None:
            raise NotFound
        conversation = locked
    running = Generation.objects.filter(conversation=conversation, status__in=UNFINISHED).first()
    if running is not None:
        raise GenerationRunning(generation=str(running.pk))
    prompt = Message.objects.create(
        conversation=conversation, parent_id=conversation.head_id, role=Role.USER, content=text
    )
    reply = Message.objects.create(conversation=conversation, parent=prompt, role=Role.ASSISTANT)
    if conversation.title == DEFAULT_TITLE and conversation.head_id is None:
        conversation.title = make_title(text)
    conversation.head = reply
    conversation.updated_at = timezone.now()
    conversation.save(update_fields=["title", "head", "updated_at"])
    generation.conversation, generation.message = conversation, reply


def make_title(text: str) -> str:
    """The first words of a prompt, cut between words."""
    line = " ".join(text.split())
    if len(line) <= _TITLE_CHARS:
        return line
    return line[:_TITLE_CHARS].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def _enqueue(generation: Generation, *, is_new_conversation: bool) -> None:
    """Queue after commit. If the broker does not answer, take everything back."""
    from chat.tasks import run_generation

    try:
        run_generation.delay(str(generation.pk))
    except (redis.exceptions.RedisError, BrokerError, OSError) as error:
        _take_back(generation, is_new_conversation=is_new_conversation)
        raise Unavailable(retry_after=5) from error
    if generation.user_id is not None:
        user_hint(
            user_id=generation.user_id,
            kind="conversation.changed",
            conversation=generation.conversation_id,
        )


def _take_back(generation: Generation, *, is_new_conversation: bool) -> None:
    """Delete the rows of a prompt that could not be queued, unless a worker has it after all."""
    with transaction.atomic():
        row = Generation.objects.select_for_update().filter(pk=generation.pk, status=Status.QUEUED)
        if not row.exists() or generation.message is None:
            row.delete()
            return
        prompt = generation.message.parent
        conversation = generation.conversation
        assert prompt is not None
        assert conversation is not None
        conversation.head_id = prompt.parent_id
        conversation.save(update_fields=["head"])
        prompt.delete()  # and with it the reply and the generation
        if is_new_conversation:
            conversation.delete()


def _lost_race(owner: Owner, generation: Generation, error: IntegrityError) -> Submitted:
    """Another request was quicker: same client_id, or same conversation. Else raises `error`."""
    if generation.client_id and (first := _find(owner, generation.client_id)):
        return first
    running = Generation.objects.filter(
        conversation=generation.conversation_id, status__in=UNFINISHED
    ).first()
    if running is None:
        raise error
    raise GenerationRunning(generation=str(running.pk))


def _find(owner: Owner, client_id: str) -> Submitted | None:
    rows = Generation.objects.filter(owner_key=owner.key, client_id=client_id)
    ids = rows.values_list("pk", "conversation_id", "message__parent_id", "message_id")
    return next((Submitted(*found) for found in ids[:1]), None)


def _submitted(generation: Generation, place: QueuePlace) -> Submitted:
    message = generation.message
    return Submitted(
        generation_id=generation.pk,
        conversation_id=generation.conversation_id,
        user_message_id=message.parent_id if message else None,
        assistant_message_id=message.pk if message else None,
        place=place,
    )


def _client_key(owner: Owner, client_id: Any, text: Any, turns: Any) -> str | None:
    """What makes a repeated request the same one; raises Invalid.

    Guests behind one address share an owner key, so theirs names the words too.
    """
    if client_id is None:
        return None
    if not isinstance(client_id, str) or not _CLIENT_ID.fullmatch(client_id):
        detail = "A text of 1 to 64 plain characters is expected."
        raise Invalid(detail, fields={"client_id": [detail]})
    if owner.user is not None:
        return client_id
    words = json.dumps([client_id, text, turns], default=str)
    return hashlib.sha256(words.encode()).hexdigest()


def _check_params(params: Any, vocab_size: int) -> SamplingParams:
    """Checked params with a seed of their own: a resumed reply must draw the same tokens."""
    if params is not None and not isinstance(params, dict):
        detail = "An object is expected."
        raise Invalid(detail, fields={"params": [detail]})
    try:
        sampling = parse_params(params or {}, vocab_size)
    except ParamError as error:
        raise BadParams(str(error), param=error.param, allowed=error.allowed) from None
    if sampling.seed is None:
        sampling = replace(sampling, seed=secrets.randbits(32))
    return sampling


def _chat_format() -> ChatFormat:
    try:
        chat_format = active_chat_format()
    except ValueError as error:  # the folder of the active checkpoint is gone or broken
        raise ModelUnavailable(retry_after=10) from error
    if chat_format is None:
        raise ModelUnavailable(retry_after=10)
    return chat_format


def _check_fits(chat_format: ChatFormat, text: str, params: SamplingParams) -> None:
    try:
        chat_format.fit([Turn("user", text)], params.max_tokens)
    except TooLong as error:
        raise PromptTooLong(
            f"This message has {error.tokens} tokens; the model can read {error.limit}.",
            tokens=error.tokens,
            limit=error.limit,
        ) from None


def _check_room() -> QueuePlace:
    """The place that a new prompt would get; raises QueueFull."""
    place = queue_end()
    if place.position > settings.QUEUE_LIMIT:
        raise QueueFull(retry_after=max(1, round(place.eta_s / 2)))
    return place
