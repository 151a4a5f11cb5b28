"""Share a conversation: a copy of its shown branch, to be read by whoever has the address."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.export import moment
from chat.errors import Invalid, NotFound, TooManyShares
from chat.models import Conversation, Message, Share
from chat.tree import branch_length, shown_messages

SHARES_MAX = 20
SHARED_MESSAGES_MAX = 1000
_SLUG_BYTES = 16


def share_create(*, conversation: Conversation, expires_in_days: int | None) -> Share:
    """A copy of what is shown now; later messages are not in it. One transaction.

    Of a very long conversation the newest messages. Raises Invalid when there is nothing to
    share, TooManyShares, NotFound when the conversation has gone meanwhile.
    """
    now = timezone.now()
    messages = shown_messages(conversation=conversation, limit=SHARED_MESSAGES_MAX)
    if not messages:
        raise Invalid("There is nothing to share in this conversation yet.")
    length = branch_length(conversation=conversation)
    with transaction.atomic():
        # Its lock keeps two requests from taking the last place both.
        if not Conversation.objects.select_for_update().filter(pk=conversation.pk).exists():
            raise NotFound
        conversation.shares.filter(expires_at__lte=now).delete()
        if conversation.shares.count() >= SHARES_MAX:
            raise TooManyShares(limit=SHARES_MAX)
        return Share.objects.create(
            slug=secrets.token_urlsafe(_SLUG_BYTES),
            conversation=conversation,
            created_at=now,
            expires_at=now + timedelta(days=expires_in_days) if expires_in_days else None,
            title=conversation.title,
            messages=[_copy(message) for message in messages],
            omitted=max(0, length - SHARED_MESSAGES_MAX),
        )


def share_revoke(*, share: Share) -> None:
    """From now on the address leads nowhere."""
    share.delete()


def shares_revoke_all(*, conversation: Conversation) -> None:
    """Revoke all shares of the conversation."""
    conversation.shares.all().delete()


def shares_blank(*, conversation: Conversation, messages: QuerySet[Message]) -> None:
    """Take messages that are about to be deleted out of the copies, as if they were hidden."""
    rows = messages.values_list("role", "content", "created_at")
    gone = {(role, content, moment(created_at)) for role, content, created_at in rows}
    for share in conversation.shares.select_for_update():
        share.messages = [
            {**m, "content": "", "notice": None, "is_hidden": True}
            if (m["role"], m["content"], m["created_at"]) in gone
            else m
            for m in share.messages
        ]
        share.save(update_fields=["messages"])


def _copy(message: Message) -> dict[str, Any]:
    generation = getattr(message, "generation", None)
    return {
        "role": message.role,
        "content": message.content,
        "created_at": moment(message.created_at),
        "model": generation.model if generation else "",
        "notice": generation.notice if generation else None,
    }
