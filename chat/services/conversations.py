"""Create, change and delete conversations. Other tabs of the user are told, as a hint."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db import transaction

from accounts.hints import user_hint
from accounts.models import User
from chat.generation.cancel import generation_cancel
from chat.models import DEFAULT_TITLE, UNFINISHED, Conversation

UPDATABLE_FIELDS = ("title", "pinned", "archived")


def conversation_create(*, user: User, title: str = DEFAULT_TITLE) -> Conversation:
    """A new, empty conversation of the user."""
    conversation = Conversation.objects.create(user=user, title=title)
    _tell(conversation.user_id, conversation.pk)
    return conversation


def conversation_update(*, conversation: Conversation, changes: Mapping[str, Any]) -> Conversation:
    """Set validated `title`, `pinned`, `archived`; the place in the list stays."""
    names = [name for name in UPDATABLE_FIELDS if name in changes]
    for name in names:
        setattr(conversation, name, changes[name])
    if names:
        conversation.save(update_fields=names)
        _tell(conversation.user_id, conversation.pk)
    return conversation


def conversation_delete(*, conversation: Conversation) -> None:
    """Delete the conversation with its messages and generations; a reply being written stops."""
    user_id, conversation_id = conversation.user_id, conversation.pk
    for generation in conversation.generations.filter(status__in=UNFINISHED):
        generation_cancel(generation=generation)
    conversation.delete()
    _tell(user_id, conversation_id)


def _tell(user_id: int, conversation_id: int) -> None:
    hint = partial(
        user_hint, user_id=user_id, kind="conversation.changed", conversation=conversation_id
    )
    transaction.on_commit(hint)
