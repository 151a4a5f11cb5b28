"""From an id to an object, only together with who asks.

What belongs to somebody else looks exactly like what does not exist: both raise NotFound. So does
a conversation that a moderator has hidden, for its owner, too.
"""

import uuid

from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from chat.errors import NotFound
from chat.models import Conversation, Generation, Message, Share


def owner_key_for_user(user_id: int) -> str:
    """The `Generation.owner_key` of a member."""
    return f"u:{user_id}"


def conversation_for_user(*, user: User, conversation_id: int) -> Conversation:
    """The user's conversation; raises NotFound."""
    found = Conversation.objects.filter(user=user, pk=conversation_id, hidden_at=None).first()
    if found is None:
        raise NotFound
    return found


def message_for_user(*, user: User, message_id: int) -> Message:
    """A message of the user's conversations, with its parent; raises NotFound.

    It may be a hidden one, whose text is not for the user.
    """
    rows = Message.objects.select_related("parent").defer("search", "parent__search")
    mine = rows.filter(conversation__user=user, conversation__hidden_at=None)
    if (found := mine.filter(pk=message_id).first()) is None:
        raise NotFound
    return found


def readable_message_for_user(*, user: User, message_id: int) -> Message:
    """The same, of those that the user can read; raises NotFound."""
    return readable(message_for_user(user=user, message_id=message_id))


def readable(message: Message) -> Message:
    """The message if nobody has hidden it; raises NotFound."""
    if message.is_hidden:
        raise NotFound("A moderator has hidden this message.")
    return message


def share_for_owner(*, conversation: Conversation, slug: str) -> Share:
    """A share of the conversation, an expired one too; raises NotFound."""
    found = Share.objects.filter(conversation=conversation, slug=slug).first()
    if found is None:
        raise NotFound
    return found


def share_for_anyone(*, slug: str) -> Share:
    """A share that can be read: revoked, expired, unknown, hidden and a suspended user's look the
    same.

    Raises NotFound.
    """
    live = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    shown = Q(conversation__user__is_active=True, conversation__hidden_at=None)
    if (found := Share.objects.filter(live, shown, slug=slug).first()) is None:
        raise NotFound
    return found


def generation_for_reader(*, user: User | None, generation_id: uuid.UUID) -> Generation:
    """A generation of the user, or a guest's for whoever knows its secret id; raises NotFound.

    That of a hidden reply is not there: its stream has the text.
    """
    shown = Q(conversation__hidden_at=None, message__hidden_at=None)
    found = Generation.objects.filter(shown, pk=generation_id).first()
    if found is None or (found.user_id is not None and (user is None or found.user_id != user.pk)):
        raise NotFound
    return found
