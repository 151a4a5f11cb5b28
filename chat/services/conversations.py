"""Create, change and delete conversations. Other tabs of the user are told, as a hint."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db import transaction

from accounts.hints import user_hint
from accounts.models import User
from chat.errors import Invalid
from chat.generation.cancel import generation_cancel
from chat.models import DEFAULT_TITLE, UNFINISHED, Conversation
from chat.tree import newest_leaf_below

UPDATABLE_FIELDS = ("title", "pinned", "archived")


def conversation_create(*, user: User, title: str = DEFAULT_TITLE) -> Conversation:
    """A new, empty conversation of the user."""
    conversation = Conversation.objects.create(user=user, title=title)
    _tell(conversation.user_id, conversation.pk)
    return conversation


def conversation_update(*, conversation: Conversation, changes: Mapping[str, Any]) -> Conversation:
    """Set validated `title`, `pinned`, `archived`, `head`; the place in the list stays.

    A head is any message of the conversation; the newest leaf below it is then shown. One
    transaction. Raises Invalid for a head that is not there.
    """
    names = [name for name in UPDATABLE_FIELDS if name in changes]
    for name in names:
        setattr(conversation, name, changes[name])
    with transaction.atomic():
        if "head" in changes:
            # A prompt that comes meanwhile goes under the head there was, or under this one.
            Conversation.objects.select_for_update().get(pk=conversation.pk)
            conversation.head_id = _leaf_to_show(conversation, changes["head"])
            names.append("head")
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


def _leaf_to_show(conversation: Conversation, message_id: int) -> int:
    leaf_id = newest_leaf_below(conversation=conversation, message_id=message_id)
    if leaf_id is None:
        detail = "There is no such message in this conversation."
        raise Invalid(detail, fields={"head": [detail]})
    return leaf_id


def _tell(user_id: int, conversation_id: int) -> None:
    hint = partial(
        user_hint, user_id=user_id, kind="conversation.changed", conversation=conversation_id
    )
    transaction.on_commit(hint)
