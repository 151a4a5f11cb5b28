"""Create, change and delete conversations."""

from collections.abc import Mapping
from typing import Any

from accounts.models import User
from chat.models import DEFAULT_TITLE, Conversation

UPDATABLE_FIELDS = ("title", "pinned", "archived")


def conversation_create(*, user: User, title: str = DEFAULT_TITLE) -> Conversation:
    """A new, empty conversation of the user."""
    return Conversation.objects.create(user=user, title=title)


def conversation_update(*, conversation: Conversation, changes: Mapping[str, Any]) -> Conversation:
    """Set validated `title`, `pinned`, `archived`; the place in the list stays."""
    names = [name for name in UPDATABLE_FIELDS if name in changes]
    for name in names:
        setattr(conversation, name, changes[name])
    if names:
        conversation.save(update_fields=names)
    return conversation


def conversation_delete(*, conversation: Conversation) -> None:
    """Delete the conversation with its messages and generations."""
    conversation.delete()
