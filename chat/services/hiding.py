"""Hide and unhide messages and conversations: what a moderator does.

Nothing is deleted. Who reads leaves the text out (`Message.shown_content`, `chat.access`,
`generation.history`), whatever was made of it before; staff read the rows themselves.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from chat.errors import NotFound
from chat.generation.branches import make_title
from chat.generation.cancel import generation_cancel
from chat.generation.patience import OUTAGES
from chat.models import DEFAULT_TITLE, UNFINISHED, Conversation, Generation, Message
from chat.services.conversations import conversation_tell

logger = logging.getLogger(__name__)

_TRACES_AT_ONCE = 50


def message_hide(*, message: Message) -> list[int]:
    """Hide a message and what begins with its words: what was continued or branched off from it.

    The ids hidden now: none where somebody was quicker. A title made of its words goes, also from
    shares; replies that are being made of it stop. One transaction, and the stops after the
    outermost one.
    """
    with transaction.atomic():
        conversation = _locked(message)
        ids = _with_successors(message)
        shown = _messages(ids).filter(hidden_at=None).order_by("pk")
        hidden = [*shown.values_list("pk", flat=True)]
        _messages(hidden).update(hidden_at=timezone.now())
        retitle(conversation, make_title(message.content), DEFAULT_TITLE)
        _tell(conversation)
    _stop_after(Q(message__in=ids) | Q(message__parent__in=ids))
    return hidden


def message_unhide(*, message: Message) -> bool:
    """Show it again, and its words in the title where they stood; False when it was not hidden."""
    with transaction.atomic():
        conversation = _locked(message)
        if not _messages([message.pk]).exclude(hidden_at=None).update(hidden_at=None):
            return False
        if message.parent_id is None:
            retitle(conversation, DEFAULT_TITLE, make_title(message.content))
        _tell(conversation)
    return True


def conversation_hide(*, conversation: Conversation) -> bool:
    """Gone for everybody but staff, shares too; False when somebody was quicker.

    Replies being written stop.
    """
    if not _set_hidden(conversation, True):
        return False
    _stop_after(Q(conversation=conversation))
    return True


def conversation_unhide(*, conversation: Conversation) -> bool:
    """Give it back as it was; False when it was not hidden."""
    return _set_hidden(conversation, False)


def _set_hidden(conversation: Conversation, is_hidden: bool) -> bool:
    rows = Conversation.objects.filter(pk=conversation.pk, hidden_at__isnull=is_hidden)
    with transaction.atomic():
        changed = bool(rows.update(hidden_at=timezone.now() if is_hidden else None))
        if changed:
            _tell(conversation)
    return changed


def _locked(message: Message) -> Conversation:
    """Its conversation, so that nobody renames it or answers meanwhile; raises NotFound."""
    found = Conversation.objects.select_for_update().filter(pk=message.conversation_id).first()
    if found is None:
        raise NotFound
    return found


def _messages(ids: list[int]) -> Any:
    return Message.objects.filter(pk__in=ids)


def _with_successors(message: Message) -> list[int]:
    begun = _begun(message)
    ids, found = [message.pk], [message.pk]
    while found:
        rows = Message.objects.filter(generation__continues__message__in=found)
        next_ids = {*rows.values_list("pk", flat=True)}
        for source in (begun[pk] for pk in found if pk in begun):
            next_ids |= {pk for pk, reply in begun.items() if reply.branches_off_in(source)}
        found = sorted(next_ids.difference(ids))
        ids += found
    return ids


@dataclass(frozen=True, slots=True)
class _Begun:
    """A reply by its recorded tokens, the first `given` of which were there before it."""

    given: int
    model: str
    tokens: list[int]

    def branches_off_in(self, source: _Begun) -> bool:
        """The last token given is the branch's own, unless the branch ends there."""
        length = max(1, self.given - 1)
        is_same = self.tokens[:length] == source.tokens[:length]
        return bool(self.given and self.tokens and is_same and self.model == source.model)


def _begun(message: Message) -> dict[int, _Begun]:
    """The replies to the same prompt by id, if some of them branched off: no row says in which."""
    rows = Generation.objects.filter(message__parent=message.parent_id, trace__isnull=False)
    if message.parent_id is None or not rows.filter(begun_tokens__gt=0).exists():
        return {}
    names = ("message", "begun_tokens", "model_sha256", "trace__tokens")
    found = rows.values_list(*names).iterator(_TRACES_AT_ONCE)
    return {pk: _Begun(given, model, [row[0] for row in t]) for pk, given, model, t in found}


def retitle(conversation: Conversation, old: str, new: str) -> None:
    """Where the title is still made of those words: the first prompt's, until it is renamed."""
    Conversation.objects.filter(pk=conversation.pk, title=old).update(title=new)
    conversation.shares.filter(title=old).update(title=new)


def _tell(conversation: Conversation) -> None:
    conversation_tell(user_id=conversation.user_id, conversation_id=conversation.pk)


def _stop_after(chosen: Q) -> None:
    """Redis is asked once it is sure, and holds no rows meanwhile."""
    transaction.on_commit(partial(_stop, chosen))


def _stop(chosen: Q) -> None:
    """What is hidden stays so where Redis is away: the reply then ends by itself, unseen."""
    try:
        for generation in Generation.objects.filter(chosen, status__in=UNFINISHED):
            generation_cancel(generation=generation)
    except OUTAGES as error:
        logger.warning("replies to what was hidden run on: %s", error)
