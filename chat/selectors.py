"""Reads of conversations. Every list is a fixed number of queries."""

import base64
import binascii
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    F,
    Q,
    QuerySet,
    TextField,
    Window,
)
from django.db.models.functions import Left, RowNumber
from django.utils import timezone

from accounts.export import moment
from accounts.models import User
from chat.errors import Invalid
from chat.models import Conversation, Message, Share
from chat.opinions import with_opinions
from chat.search import MATCHES_MAX, Segment, TextSearch

# Of a long message no more is looked through for a snippet.
_SNIPPET_READ_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Match:
    """A message in which the words were found."""

    message: int
    snippet: list[Segment]


@dataclass(frozen=True, slots=True)
class Found:
    """Where a conversation answers a search: in its title, in its newest few messages."""

    title_highlight: list[Segment]
    matches: list[Match] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """Some of a user's conversations and the cursor of the next page if any.

    `found` has one entry for each item when something was searched, and is None otherwise.
    """

    items: list[Conversation]
    next_cursor: str | None
    found: list[Found] | None = None


def conversation_list(
    *,
    user: User,
    limit: int,
    cursor: str | None = None,
    query: str = "",
    archived: bool | None = False,
) -> ConversationPage:
    """A page of the user's conversations: pinned ones first, then by last change. Raises Invalid.

    One query; a second one for the snippets of a search. `archived` None means with and without.
    The cursor names the last row seen, so rows that change meanwhile move to the front and none is
    skipped.
    """
    search = TextSearch.parse(query)
    rows = Conversation.objects.filter(user=user, hidden_at=None)
    if archived is not None:
        rows = rows.filter(archived=archived)
    if search is not None:
        in_messages = _matching_messages(user, search).values("conversation")
        rows = rows.filter(_matches("title", search) | Q(pk__in=in_messages))
    if cursor:
        rows = rows.filter(_after(*cursor_decode(cursor)))
    items = list(rows.order_by("-pinned", "-updated_at", "-id")[: limit + 1])
    next_cursor = cursor_encode(items[limit - 1]) if len(items) > limit else None
    items = items[:limit]
    found = None if search is None else _found(items, search)
    return ConversationPage(items, next_cursor, found)


def conversation_messages(*, conversation: Conversation, limit: int) -> list[Message] | None:
    """All messages in the order they were written, with generations and opinions; two
    queries.

    None when there are more than `limit`: to count them costs a hundredth of reading them.
    """
    rows = conversation.messages.order_by("id")
    if rows[limit : limit + 1].exists():
        return None
    return list(with_opinions(rows, user_id=conversation.user_id).select_related("generation"))


def share_list(*, conversation: Conversation) -> list[Share]:
    """The conversation's shares that can be read, newest first, without their text; one query."""
    live = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return list(conversation.shares.filter(live).defer("messages").order_by("-created_at", "-id"))


def share_messages(*, share: Share) -> list[dict[str, Any]]:
    """What a share shows, whenever it was made: hidden messages are empty in it, as those are that
    were deleted; one query.
    """
    rows = Message.objects.filter(conversation=share.conversation_id, hidden_at__isnull=False)
    hidden = {
        (role, content, moment(created_at))
        for role, content, created_at in rows.values_list("role", "content", "created_at")
    }
    return [
        {**m, "content": "", "notice": None, "is_hidden": True}
        if (m["role"], m["content"], m["created_at"]) in hidden
        else {"notice": None, "is_hidden": False, **m}  # older ones have none
        for m in share.messages
    ]


def cursor_encode(conversation: Conversation) -> str:
    """The position of a conversation in the list, as opaque text."""
    place = conversation.updated_at.isoformat(), conversation.pk, int(conversation.pinned)
    raw = "|".join(map(str, place))
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def cursor_decode(cursor: str) -> tuple[bool, datetime, int]:
    """Pin, time and id of the position; raises Invalid."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        time, last_id, pinned = raw.split("|")
        updated_at = datetime.fromisoformat(time)
        position = bool(int(pinned)), updated_at, int(last_id)
    except (binascii.Error, ValueError):
        raise Invalid("The cursor is not valid.") from None
    if updated_at.utcoffset() != timedelta(0) or abs(position[2]) >= 2**63:
        raise Invalid("The cursor is not valid.")
    return position


def _after(pinned: bool, updated_at: datetime, last_id: int) -> Q:
    older = Q(updated_at__lt=updated_at) | Q(updated_at=updated_at, id__lt=last_id)
    return Q(pinned=False) | older if pinned else Q(pinned=False) & older


def _matches(text_field: str, search: TextSearch) -> Q:
    if search.query is None:
        return Q(**{f"{text_field}__icontains": search.substring})
    return Q(search=search.query)


def _matching_messages(user: User, search: TextSearch) -> QuerySet[Message]:
    shown = Message.objects.filter(hidden_at=None)
    return shown.filter(_matches("content", search), conversation__user=user)


def _found(items: list[Conversation], search: TextSearch) -> list[Found]:
    """Where each conversation was found; one query."""
    by_id = {item.pk: Found(search.highlight(item.title)) for item in items}
    rank = Window(RowNumber(), partition_by=F("conversation"), order_by=F("id").desc())
    text = Left("content", _SNIPPET_READ_CHARS, output_field=TextField())
    rows = (
        Message.objects.filter(hidden_at=None, conversation__in=list(by_id))
        .filter(_matches("content", search))
        .annotate(rank=rank, text=text)
        .filter(rank__lte=MATCHES_MAX)
        .order_by("-id")
        .values_list("id", "conversation_id", "text")
    )
    for message_id, conversation_id, content in rows:
        match = Match(message_id, search.snippet(content))
        by_id[conversation_id].matches.append(match)
    return list(by_id.values())
