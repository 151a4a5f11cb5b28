"""Reads of a conversation's tree of messages: its shown branch, siblings, leaves.

A message's parent was written before it, so ids rise along every branch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q

from chat.errors import Invalid
from chat.models import UNFINISHED, Conversation, Message
from chat.opinions import with_opinions

_LINE = """
WITH RECURSIVE line(id, parent_id, depth) AS (
    SELECT id, parent_id, 1 FROM chat_message WHERE id = %s
    UNION ALL
    SELECT m.id, m.parent_id, line.depth + 1
    FROM chat_message m JOIN line ON m.id = line.parent_id WHERE line.depth < %s
)
SELECT id, parent_id FROM line ORDER BY depth DESC
"""
_LENGTH = """
WITH RECURSIVE line(id, parent_id) AS (
    SELECT id, parent_id FROM chat_message WHERE id = %s
    UNION ALL
    SELECT m.id, m.parent_id FROM chat_message m JOIN line ON m.id = line.parent_id
)
SELECT count(*) FROM line
"""

Line = list[tuple[int, int | None]]


@dataclass(frozen=True, slots=True)
class Siblings:
    """A message's place among the answers to the same message: number `index` of `count`."""

    index: int
    count: int
    previous: int | None
    next: int | None


@dataclass(frozen=True, slots=True)
class BranchMessage:
    message: Message
    siblings: Siblings


@dataclass(frozen=True, slots=True)
class BranchPage:
    """Messages of a branch, oldest first; `before` leads to older ones, None where it begins."""

    items: list[BranchMessage]
    before: int | None


def branch_page(*, conversation: Conversation, limit: int, before: int | None = None) -> BranchPage:
    """The newest `limit` messages of the shown branch, or those above `before`. At most four
    queries. Raises Invalid for a `before` that is not in the conversation.
    """
    leaf_id = conversation.head_id if before is None else _parent(conversation, before)
    line = branch_line(leaf_id=leaf_id, limit=limit)
    items = branch_part(conversation=conversation, line=line)
    has_more = bool(line) and line[0][1] is not None
    return BranchPage(items, line[0][0] if has_more else None)


def branch_part(*, conversation: Conversation, line: Line) -> list[BranchMessage]:
    """The messages of a part of a branch, oldest first; two queries."""
    rows = Message.objects.select_related("generation").filter(pk__in=[pk for pk, _ in line])
    rows = with_opinions(rows, user_id=conversation.user_id)
    siblings = _siblings(conversation, line)
    return [BranchMessage(message, siblings[message.pk]) for message in rows.order_by("id")]


def shown_messages(*, conversation: Conversation, limit: int) -> list[Message]:
    """The newest finished messages of the shown branch, with generations; two queries."""
    ids = [pk for pk, _ in branch_line(leaf_id=conversation.head_id, limit=limit)]
    rows = Message.objects.select_related("generation").filter(pk__in=ids).exclude(content="")
    return list(rows.exclude(generation__status__in=UNFINISHED).order_by("id"))


def branch_length(*, conversation: Conversation) -> int:
    """How many messages the shown branch has."""
    with connection.cursor() as cursor:
        cursor.execute(_LENGTH, [conversation.head_id])
        length: int = cursor.fetchone()[0]
    return length


def newest_leaf_below(*, conversation: Conversation, message_id: int) -> int | None:
    """The newest message in the subtree of one, itself if it is a leaf; None if there is none."""
    return max(ids_below(conversation=conversation, roots=[message_id]), default=None)


def ids_below(*, conversation: Conversation, roots: Sequence[int]) -> set[int]:
    """The ids of the messages among `roots` that are in the conversation, and of all below them.

    One query for ids: a recursive one, going down, took PostgreSQL 89 s for 10,000 messages that
    it had no statistics of.
    """
    rows = conversation.messages.filter(pk__gte=min(roots)).order_by("id")
    wanted, below = set(roots), set[int]()
    for message_id, parent_id in rows.values_list("id", "parent_id").iterator():
        if message_id in wanted or parent_id in below:
            below.add(message_id)
    return below


def _parent(conversation: Conversation, message_id: int) -> int | None:
    found = Message.objects.filter(conversation=conversation, pk=message_id).values_list("parent")
    if (row := found.first()) is None:
        detail = "There is no such message in this conversation."
        raise Invalid(detail, fields={"before": [detail]})
    parent_id: int | None = row[0]
    return parent_id


def branch_line(*, leaf_id: int | None, limit: int) -> Line:
    """(id, parent id) from the leaf upwards, at most `limit`, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_LINE, [leaf_id, limit])
        line: Line = cursor.fetchall()
    return line


def _siblings(
    conversation: Conversation, line: list[tuple[int, int | None]]
) -> dict[int, Siblings]:
    """By message id, for all children of the line's parents; one query."""
    wanted = Q(parent__in=[parent for _, parent in line if parent is not None])
    if any(parent is None for _, parent in line):
        wanted |= Q(parent=None)
    children: dict[int | None, list[int]] = defaultdict(list)
    rows = Message.objects.filter(wanted, conversation=conversation).order_by("id")
    for message_id, parent_id in rows.values_list("id", "parent_id"):
        children[parent_id].append(message_id)
    return {
        message_id: Siblings(
            index=i + 1,
            count=len(ids),
            previous=ids[i - 1] if i else None,
            next=ids[i + 1] if i + 1 < len(ids) else None,
        )
        for ids in children.values()
        for i, message_id in enumerate(ids)
    }
