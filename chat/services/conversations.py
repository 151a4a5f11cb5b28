"""Create, change and delete conversations. Other tabs of the user are told, as a hint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts.hints import user_hint
from accounts.models import User
from chat.errors import Invalid, NotFound
from chat.generation.cancel import generation_cancel
from chat.models import DEFAULT_TITLE, UNFINISHED, Conversation, Generation
from chat.tree import newest_leaf_below

UPDATABLE_FIELDS = ("title", "pinned", "archived")
# Any hint makes a tab read its list again; those of the newest may be the ones it shows.
_HINTS_MAX = 100


class BulkAction(StrEnum):
    DELETE = "delete"
    ARCHIVE = "archive"
    UNARCHIVE = "unarchive"
    PIN = "pin"
    UNPIN = "unpin"


_BULK_CHANGES: dict[BulkAction, dict[str, bool]] = {
    BulkAction.ARCHIVE: {"archived": True},
    BulkAction.UNARCHIVE: {"archived": False},
    BulkAction.PIN: {"pinned": True},
    BulkAction.UNPIN: {"pinned": False},
}


@dataclass(frozen=True, slots=True)
class BulkResult:
    changed: int
    not_found: int


def conversation_create(*, user: User, title: str = DEFAULT_TITLE) -> Conversation:
    """A new, empty conversation of the user."""
    conversation = Conversation.objects.create(user=user, title=title)
    conversation_tell(user_id=conversation.user_id, conversation_id=conversation.pk)
    return conversation


def conversation_update(*, conversation: Conversation, changes: Mapping[str, Any]) -> Conversation:
    """Set validated `title`, `pinned`, `archived`, `head`; the place in the list stays.

    A head is any message of the conversation; the newest leaf below it is then shown. One
    transaction. Raises Invalid for a head that is not there, NotFound when the conversation has
    gone meanwhile.
    """
    names = [name for name in UPDATABLE_FIELDS if name in changes]
    for name in names:
        setattr(conversation, name, changes[name])
    with transaction.atomic():
        # A prompt that comes meanwhile goes under the head there was, or under this one.
        if not _lock(conversation):
            raise NotFound
        if "head" in changes:
            conversation.head_id = _leaf_to_show(conversation, changes["head"])
            names.append("head")
        if names:
            conversation.save(update_fields=names)
            conversation_tell(user_id=conversation.user_id, conversation_id=conversation.pk)
    return conversation


def conversation_delete(*, conversation: Conversation) -> None:
    """Delete the conversation with its messages and generations; a reply being written stops."""
    user_id, conversation_id = conversation.user_id, conversation.pk
    for generation in conversation.generations.filter(status__in=UNFINISHED):
        generation_cancel(generation=generation)
    with transaction.atomic():
        lock_unfinished(Conversation.objects.filter(pk=conversation_id))
        _lock(conversation)  # a prompt that comes meanwhile goes with it or finds nothing
        conversation.delete()
        conversation_tell(user_id=user_id, conversation_id=conversation_id)


def _lock(conversation: Conversation) -> bool:
    """Keep others from writing into it until the transaction ends; False when it has gone."""
    return Conversation.objects.select_for_update().filter(pk=conversation.pk).exists()


def lock_unfinished(conversations: QuerySet[Conversation]) -> None:
    """Before all that is deleted: a worker that stores an end locks the generation first, too.

    In another order the two could wait for each other.
    """
    rows = Generation.objects.filter(status__in=UNFINISHED, conversation__in=conversations)
    list(rows.order_by("pk").select_for_update(of=("self",)).values_list("pk"))


def _leaf_to_show(conversation: Conversation, message_id: int) -> int:
    leaf_id = newest_leaf_below(conversation=conversation, message_id=message_id)
    if leaf_id is None:
        detail = "There is no such message in this conversation."
        raise Invalid(detail, fields={"head": [detail]})
    return leaf_id


def conversations_bulk(*, user: User, ids: Sequence[int] | None, action: BulkAction) -> BulkResult:
    """Do one thing to many of the user's conversations, or (`ids` None) to all of them.

    One transaction. What is not the user's is not found, like what does not exist. Replies being
    written in deleted ones are stopped first.
    """
    rows = Conversation.objects.filter(user=user, hidden_at=None)
    if ids is not None:
        rows = rows.filter(pk__in=ids)
    if action == BulkAction.DELETE:
        running = Generation.objects.filter(status__in=UNFINISHED, conversation__in=rows)
        for generation in running:
            generation_cancel(generation=generation)
    with transaction.atomic():
        if action == BulkAction.DELETE:
            lock_unfinished(rows)
        newest = rows.order_by("-updated_at", "-id").select_for_update(of=("self",))
        found = list(newest.values_list("pk", flat=True))
        chosen = Conversation.objects.filter(pk__in=found)
        if action == BulkAction.DELETE:
            chosen.delete()
        else:
            chosen.update(**_BULK_CHANGES[action])
        for conversation_id in found[:_HINTS_MAX]:
            conversation_tell(user_id=user.pk, conversation_id=conversation_id)
    missing = 0 if ids is None else len(set(ids)) - len(found)
    return BulkResult(changed=len(found), not_found=missing)


def conversation_tell(*, user_id: int, conversation_id: int) -> None:
    """Hint at a change after commit, to all tabs of the user."""
    hint = partial(
        user_hint, user_id=user_id, kind="conversation.changed", conversation=conversation_id
    )
    transaction.on_commit(hint)
