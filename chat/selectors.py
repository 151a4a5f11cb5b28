"""Reads of conversations. Every list is a fixed number of queries."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, prefetch_related_objects

from accounts.models import User
from chat.errors import Invalid
from chat.models import Conversation, Message


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """Some of a user's conversations, newest first, and the cursor of the next page if any."""

    items: list[Conversation]
    next_cursor: str | None


def conversation_list(
    *,
    user: User,
    limit: int,
    cursor: str | None = None,
    query: str = "",
    archived: bool | None = None,
) -> ConversationPage:
    """A page of the user's conversations by last change; one query. Raises Invalid.

    `query` matches titles and message texts. The cursor names the last row seen, so rows that
    change meanwhile move to the front and none is skipped.
    """
    rows = Conversation.objects.filter(user=user)
    if archived is not None:
        rows = rows.filter(archived=archived)
    if query:
        rows = _matching(rows, query)
    if cursor:
        updated_at, last_id = cursor_decode(cursor)
        rows = rows.filter(Q(updated_at__lt=updated_at) | Q(updated_at=updated_at, id__lt=last_id))
    items = list(rows.order_by("-updated_at", "-id")[: limit + 1])
    if len(items) <= limit:
        return ConversationPage(items, None)
    return ConversationPage(items[:limit], cursor_encode(items[limit - 1]))


def conversation_load_messages(*, conversation: Conversation) -> None:
    """Fill `conversation.messages` with all messages in the order they were written, and their
    generations; one query.
    """
    messages = Message.objects.select_related("generation").order_by("id")
    prefetch_related_objects([conversation], Prefetch("messages", queryset=messages))


def cursor_encode(conversation: Conversation) -> str:
    """The position of a conversation in the list, as opaque text."""
    raw = f"{conversation.updated_at.isoformat()}|{conversation.pk}"
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def cursor_decode(cursor: str) -> tuple[datetime, int]:
    """The inverse of `cursor_encode`; raises Invalid."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        updated_at, _, last_id = raw.partition("|")
        position = datetime.fromisoformat(updated_at), int(last_id)
    except (binascii.Error, ValueError):
        raise Invalid("The cursor is not valid.") from None
    if position[0].tzinfo is None:
        raise Invalid("The cursor is not valid.")
    return position


def _matching(rows: QuerySet[Conversation], query: str) -> QuerySet[Conversation]:
    in_messages = Message.objects.filter(conversation=OuterRef("pk"), content__icontains=query)
    return rows.filter(Q(title__icontains=query) | Exists(in_messages))
