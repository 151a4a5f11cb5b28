"""Bring back a conversation that was exported as JSON. All of it or nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, connection, transaction

from accounts.models import User
from chat.access import owner_key_for_user
from chat.document import Document, DocumentGeneration, DocumentMessage, document_check
from chat.errors import NotFound
from chat.models import UNFINISHED, Conversation, FinishReason, Generation, Message, Status
from chat.services.conversations import conversation_tell
from inference.public import ParamError, parse_params

_BATCH = 1000


def conversation_import(*, user: User, document: Any) -> tuple[Conversation, bool]:
    """The conversation and whether it is new: the same one, imported again, is the first one.

    One transaction. Raises Invalid, with the first few places that are wrong, and NotFound where a
    moderator has hidden the first one.
    """
    checked = document_check(document)
    if (known := _known(user, checked)) is not None:
        return known, False
    try:
        with transaction.atomic():
            return _write(user, checked), True
    except IntegrityError:  # the same import at the same time
        if (known := _known(user, checked)) is None:
            raise
        return known, False


def _known(user: User, document: Document) -> Conversation | None:
    known = Conversation.objects.filter(user=user, uuid=document.conversation.uuid).first()
    if known is not None and known.hidden_at is not None:
        raise NotFound
    return known


def _write(user: User, document: Document) -> Conversation:
    given = document.conversation
    fields = given.model_dump(exclude={"head"})
    conversation = Conversation.objects.create(user=user, **fields)
    ids = dict(
        zip((m.id for m in document.messages), new_message_ids(len(document.messages)), strict=True)
    )
    Message.objects.bulk_create(
        (
            Message(
                pk=ids[message.id],
                conversation=conversation,
                parent_id=None if message.parent is None else ids[message.parent],
                role=message.role,
                content=message.content,
                created_at=message.created_at,
                hidden_at=message.created_at if message.is_hidden else None,
            )
            for message in document.messages
        ),
        batch_size=_BATCH,
    )
    Generation.objects.bulk_create(
        (
            _generation(user, conversation, ids[message.id], message, message.generation)
            for message in document.messages
            if message.generation is not None
        ),
        batch_size=_BATCH,
    )
    if document.messages:
        shown = _leaf(document.messages, given.head)
        conversation.head_id = ids[shown]
        conversation.save(update_fields=["head"])
    conversation_tell(user_id=user.pk, conversation_id=conversation.pk)
    return conversation


def _generation(
    user: User,
    conversation: Conversation,
    message_id: int,
    message: DocumentMessage,
    given: DocumentGeneration,
) -> Generation:
    """How a reply came about, as told. It was not made here: without times it counts nowhere."""
    fields = given.model_dump(exclude={"params", "notice"})
    if given.status in UNFINISHED:
        fields |= {"status": Status.CANCELLED, "finish_reason": FinishReason.CANCELLED}
    return Generation(
        message_id=message_id,
        conversation=conversation,
        user=user,
        owner_key=owner_key_for_user(user.pk),
        params=_known_params(given.params),
        queued_at=message.created_at,
        finished_at=message.created_at,
        **fields,
    )


def _known_params(params: dict[str, Any]) -> dict[str, Any]:
    """Params as they may stand in a row: a reply can be continued with them.

    Biases name token ids, which may not exist in the checkpoint that is active here.
    """
    try:
        return parse_params({**params, "logit_bias": None}).to_dict()
    except ParamError:
        return {}


def _leaf(messages: Sequence[DocumentMessage], head: int | None) -> int:
    """The newest message below the head: the last of its subtree, as parents come first."""
    if head is None:
        return messages[-1].id
    below = {head}
    for message in messages:
        if message.parent in below:
            below.add(message.id)
    return next(message.id for message in reversed(messages) if message.id in below)


def new_message_ids(count: int) -> list[int]:
    """Ids that rise, as those of messages written one after another do."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('chat_message', 'id'))"
            " FROM generate_series(1, %s)",
            [count],
        )
        return sorted(row[0] for row in cursor.fetchall())
