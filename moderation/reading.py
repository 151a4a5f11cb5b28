"""Conversations as staff reads them: a page of a branch, a place in it, words looked for.

Who reads a text is written into the audit log: once for each person and conversation in ten
minutes, else turning pages would drown what others did. Of a search stands there that it was made
and where, not its words: they are as private as what they find, and the log is kept for a year.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet, TextField
from django.db.models.functions import Left
from django.http import HttpRequest
from django.utils import timezone

from chat.delivery.endings import timings
from chat.models import Conversation, Message, Report
from chat.search import Segment, TextSearch
from chat.tree import BranchMessage, Line, branch_line, branch_part, newest_leaf_below
from moderation.audit import record
from moderation.models import AuditEntry

READ = "conversation.read"
READ_AGAIN = timedelta(minutes=10)
MAY_READ = "chat.read_private_conversation"
PAGE_SIZE = 100
HITS_MAX = 50
_BRANCH_MAX = 100_000
_SNIPPET_READ_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Bubble:
    """A message with what staff wants to know of it."""

    message: Message
    place: BranchMessage
    generation: Any
    timings: dict[str, float | None] | None
    reports: list[Report]

    @property
    def feedback(self) -> Any:
        return getattr(self.message, "own_feedback", None)


@dataclass(frozen=True, slots=True)
class TranscriptPage:
    """Some messages of a branch, oldest first; `number` counts from 1."""

    bubbles: list[Bubble]
    leaf_id: int | None
    number: int
    count: int

    @property
    def older(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def newer(self) -> int | None:
        return self.number + 1 if self.number < self.count else None


@dataclass(frozen=True, slots=True)
class Hit:
    message_id: int
    role: str
    snippet: list[Segment]


def transcript_page(
    *, conversation: Conversation, through: int | None = None, number: int | None = None
) -> TranscriptPage:
    """A page of the branch through a message (or the shown one): that with the message, or the
    newest. At most five queries.
    """
    leaf_id = conversation.head_id
    if through is not None:
        leaf_id = newest_leaf_below(conversation=conversation, message_id=through) or leaf_id
    line = branch_line(leaf_id=leaf_id, limit=_BRANCH_MAX)
    count = max(1, -(-len(line) // PAGE_SIZE))
    at = next((i for i, (pk, _) in enumerate(line) if pk == through), len(line) - 1)
    number = min(max(1, number or at // PAGE_SIZE + 1), count)
    part = line[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    return TranscriptPage(_bubbles(conversation, part), leaf_id, number, count)


def messages_around(*, message: Message, before: int = 4, after: int = 2) -> list[Bubble]:
    """A few messages of a branch through this one."""
    conversation = message.conversation
    leaf_id = newest_leaf_below(conversation=conversation, message_id=message.pk)
    line = branch_line(leaf_id=leaf_id, limit=_BRANCH_MAX)
    at = next((i for i, (pk, _) in enumerate(line) if pk == message.pk), None)
    if at is None:
        return []
    return _bubbles(conversation, line[max(0, at - before) : at + 1 + after])


def messages_found(rows: QuerySet[Message], words: str) -> QuerySet[Message]:
    """The messages in which all words begin some word; none for a blank search."""
    if (search := TextSearch.parse(words)) is None:
        return rows.none()
    if search.query is None:
        return rows.filter(content__icontains=search.substring)
    return rows.filter(search=search.query)


def hits(*, conversation: Conversation, words: str) -> list[Hit]:
    """Where the words stand in a conversation, newest first, at most `HITS_MAX`; one query."""
    search = TextSearch.parse(words)
    if search is None:
        return []
    text = Left("content", _SNIPPET_READ_CHARS, output_field=TextField())
    rows = messages_found(conversation.messages.order_by("-id"), words).annotate(text=text)
    found = rows.values_list("pk", "role", "text")[:HITS_MAX]
    return [Hit(pk, role, search.snippet(content)) for pk, role, content in found]


def reading_record(request: HttpRequest, conversation: Conversation) -> None:
    """Write into the log that this person reads this conversation."""
    known = AuditEntry.objects.filter(
        actor_id=request.user.pk,
        action=READ,
        target_type=conversation._meta.label_lower,
        target_id=str(conversation.pk),
        at__gt=timezone.now() - READ_AGAIN,
    )
    if not known.exists():
        record(request, READ, conversation)


def search_record(request: HttpRequest, conversation: Conversation | None = None) -> None:
    """Write into the log that this person searched texts, and where; not for what."""
    where = conversation if conversation is not None else "all messages"
    record(request, "message.search", where)


def _bubbles(conversation: Conversation, line: Line) -> list[Bubble]:
    reports: dict[int | None, list[Report]] = defaultdict(list)
    for report in Report.objects.filter(message__in=[pk for pk, _ in line]).order_by("id"):
        reports[report.message_id].append(report)
    return [
        _bubble(place, reports[place.message.pk])
        for place in branch_part(conversation=conversation, line=line)
    ]


def _bubble(place: BranchMessage, reports: list[Report]) -> Bubble:
    generation = getattr(place.message, "generation", None)
    times = None
    if generation is not None and generation.started_at and generation.finished_at:
        times = timings(generation)
    return Bubble(place.message, place, generation, times, reports)
