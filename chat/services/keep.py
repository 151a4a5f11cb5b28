"""A chat that was stored nowhere becomes a conversation, also while its last reply is written.

The worker that writes that reply holds an older copy of its row: `generation.lifecycle` asks the
row again before it stores words. Here the row is locked, so the reply ends before this or after.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import partial

from django.db import IntegrityError, transaction

from accounts.models import User
from chat.delivery import streams
from chat.errors import Invalid, NotFound
from chat.generation.admission import share_check
from chat.generation.branches import make_title
from chat.generation.owner import Owner
from chat.generation.recovery import send_task
from chat.models import UNFINISHED, Conversation, FinishReason, Generation, Message, Status
from chat.services.conversations import conversation_tell
from chat.services.imports import new_message_ids
from inference.public import Turn

_KEPT = uuid.UUID("5f0f2f4e-93c5-4c55-8a39-0d2a5c1d7c64")


def conversation_keep(
    *,
    user: User,
    turns: Sequence[Turn],
    generation_id: uuid.UUID | None = None,
    client_id: str | None = None,
) -> tuple[Conversation, bool]:
    """The conversation of checked turns, and whether it is new.

    `generation_id` names the reply to the last prompt, which may still be written: whoever knows
    the id of a guest's may keep it. Asked again with the same one, or the same `client_id`, it is
    the first conversation. One transaction. Raises Invalid, NotFound, TooManyReplies.
    """
    name = uuid.uuid5(_KEPT, client_id) if client_id else uuid.uuid4()
    known = Conversation.objects.filter(user=user, uuid=name)
    try:
        with transaction.atomic():
            if client_id and (found := known.first()) is not None:
                return _shown(found), False
            generation = None if generation_id is None else _locked(user, generation_id)
            if generation is not None and generation.conversation is not None:
                return _shown(generation.conversation), False
            return _write(user, name, turns, generation), True
    except IntegrityError:  # the same wish at the same time
        if (found := known.first()) is None:
            raise
        return _shown(found), False


def _shown(conversation: Conversation) -> Conversation:
    """The conversation unless a moderator has hidden it; raises NotFound."""
    if conversation.hidden_at is not None:
        raise NotFound
    return conversation


def _locked(user: User, generation_id: uuid.UUID) -> Generation:
    """A reply of the user or of a guest, which nobody else changes meanwhile; raises NotFound."""
    # Not with its conversation: who has waited for the lock gets the new row, but what was joined
    # to the old one.
    generation = Generation.objects.select_for_update().filter(pk=generation_id).first()
    if generation is None or generation.user_id not in {None, user.pk}:
        raise NotFound
    return generation


def _write(
    user: User, name: uuid.UUID, turns: Sequence[Turn], generation: Generation | None
) -> Conversation:
    turns = list(turns)
    if generation is not None:
        if generation.user_id is None and generation.status in UNFINISHED:
            share_check(Owner.member(user))
        turns = _with_reply(turns, generation)
    elif turns[-1].role == "user":
        raise _invalid("turns", "The last one is the reply's, unless `generation` names it.")
    conversation = Conversation.objects.create(
        user=user, uuid=name, title=make_title(turns[0].content)
    )
    ids = new_message_ids(len(turns))
    Message.objects.bulk_create(
        Message(
            pk=pk, conversation=conversation, parent_id=parent, role=turn.role, content=turn.content
        )
        for pk, parent, turn in zip(ids, [None, *ids], turns, strict=False)
    )
    conversation.head_id = ids[-1]
    conversation.save(update_fields=["head"])
    if generation is not None:
        _attach(user, conversation, generation)
    conversation_tell(user_id=user.pk, conversation_id=conversation.pk)
    return conversation


def _with_reply(turns: list[Turn], generation: Generation) -> list[Turn]:
    """The turns with the reply as their last one: empty while it is written."""
    given = turns.pop().content if turns[-1].role == "assistant" else None
    if generation.status not in UNFINISHED:
        return [*turns, Turn("assistant", _ended_text(generation, given or ""))]
    if given is not None:
        raise _invalid("turns", "The reply is still being written: the last one is the user's.")
    return [*turns, Turn("assistant", "")]


def _ended_text(generation: Generation, given: str) -> str:
    """What the reply said; as the client has it where Redis has not all of it any more."""
    written = streams.read_written(str(generation.pk))
    if written.entries and written.entries[-1].type == "done":
        text: str = streams.Entry(*written.entries[-1][:3]).data["text"]
        return text
    if generation.finish_reason == FinishReason.FILTERED:  # the client was told what stands there
        return given
    if given and len(written.token_ids) < generation.completion_tokens:
        return given
    return written.text


def _attach(user: User, conversation: Conversation, generation: Generation) -> None:
    generation.user, generation.owner_key = user, Owner.member(user).key
    generation.conversation, generation.message_id = conversation, conversation.head_id
    generation.client_id = None  # a guest's names its words, too; here it would mean another
    generation.save(update_fields=["user", "owner_key", "conversation", "message", "client_id"])
    if generation.status == Status.QUEUED:
        # A worker that looked for work while the row was locked has passed it over.
        transaction.on_commit(partial(send_task, str(generation.pk)))


def _invalid(field: str, detail: str) -> Invalid:
    return Invalid(detail, fields={field: [detail]})
