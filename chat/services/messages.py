"""Delete messages: what a moderator does. Users branch off instead."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db import transaction

from chat.generation.branches import make_title
from chat.generation.cancel import generation_cancel
from chat.models import DEFAULT_TITLE, UNFINISHED, Conversation, Generation, Message
from chat.services.conversations import conversation_tell, lock_unfinished
from chat.services.hiding import retitle
from chat.services.shares import shares_blank
from chat.tree import ids_below


def messages_delete(*, messages: Iterable[Message]) -> None:
    """Delete messages with all that was answered to them; a reply being written stops. Their words
    go from shares, too, and from titles made of them.

    One transaction for each conversation. Where the shown branch went, the newest one is shown.
    """
    for conversation_id, ids in _by_conversation(messages).items():
        _delete_below(conversation_id, ids)


def messages_below(messages: Iterable[Message]) -> set[int]:
    """The ids that `messages_delete` would delete; a query for each conversation."""
    below: set[int] = set()
    for conversation_id, ids in _by_conversation(messages).items():
        below |= ids_below(conversation=Conversation(pk=conversation_id), roots=ids)
    return below


def _by_conversation(messages: Iterable[Message]) -> dict[int, list[int]]:
    grouped: dict[int, list[int]] = defaultdict(list)
    for message in messages:
        grouped[message.conversation_id].append(message.pk)
    return grouped


def _delete_below(conversation_id: int, ids: Sequence[int]) -> None:
    rows = Conversation.objects.filter(pk=conversation_id)
    with transaction.atomic():
        lock_unfinished(rows)
        if (conversation := rows.select_for_update().first()) is None:
            return
        below = ids_below(conversation=conversation, roots=ids)
        for generation in Generation.objects.filter(message__in=below, status__in=UNFINISHED):
            generation_cancel(generation=generation)
        if conversation.head_id in below:
            # Ids rise along every branch, so the newest of what stays is a leaf.
            left = conversation.messages.exclude(pk__in=below).order_by("-id")
            conversation.head = left.first()
            conversation.save(update_fields=["head"])
        gone = conversation.messages.filter(pk__in=below)
        shares_blank(conversation=conversation, messages=gone)
        for prompt in gone.filter(parent=None):
            retitle(conversation, make_title(prompt.content), DEFAULT_TITLE)
        # All at once: from one to its answers Django would go down call by call.
        gone.delete()
        conversation_tell(user_id=conversation.user_id, conversation_id=conversation_id)
