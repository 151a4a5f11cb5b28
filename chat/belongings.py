"""What chat keeps for a user: its part of an account's export and deletion."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial

import redis.exceptions
from django.db import transaction

from accounts.belongings import Belongings
from accounts.export import encode, moment
from accounts.models import User
from chat.access import owner_key_for_user
from chat.delivery import streams
from chat.exports import conversation_export, generation_document
from chat.generation.cancel import generation_cancel
from chat.generation.traces import trace_unpack
from chat.models import UNFINISHED, Conversation, Feedback, Generation, Report, Share, Trace
from chat.places import places_forget
from chat.selectors import share_messages
from chat.services.conversations import lock_unfinished

logger = logging.getLogger(__name__)

_ROWS_AT_ONCE = 50


def _stop(user: User) -> None:
    for generation in Generation.objects.filter(user=user, status__in=UNFINISHED):
        generation_cancel(generation=generation)


def _delete(user: User) -> None:
    """In the order in which others lock: generations that run, conversations, then the rest."""
    conversations = Conversation.objects.filter(user=user)
    lock_unfinished(conversations)
    list(conversations.order_by("pk").select_for_update(of=("self",)).values_list("pk"))
    generations = Generation.objects.filter(user=user)
    ids = [str(pk) for pk in generations.values_list("pk", flat=True)]
    conversations.delete()
    generations.delete()  # those without a conversation
    transaction.on_commit(partial(_forget, owner_key_for_user(user.pk), ids))


def _forget(owner_key: str, generation_ids: list[str]) -> None:
    """The words of the last hour; a worker that still writes finds its claim gone."""
    try:
        streams.forget(generation_ids)
        places_forget(owner_key)
    except redis.exceptions.RedisError:
        logger.warning("streams of a deleted user end by themselves in an hour", exc_info=True)


def _conversations(user: User) -> Iterator[str]:
    for conversation in user.conversations.order_by("pk").iterator(_ROWS_AT_ONCE):
        yield conversation_export(conversation=conversation, file_format="json").text.rstrip()


def _traces(user: User) -> Iterator[str]:
    """What was recorded of replies: it is the user's, too, and part of no conversation's file."""
    rows = Trace.objects.filter(generation__user=user, generation__message__hidden_at=None)
    rows = rows.order_by("generation__queued_at", "pk")
    names = ("generation__conversation__uuid", "generation__message__content", "tokens")
    for conversation, text, tokens in rows.values_list(*names).iterator(_ROWS_AT_ONCE):
        yield encode(
            {"conversation": str(conversation), "text": text, "tokens": trace_unpack(tokens)}
        )


def _shares(user: User) -> Iterator[str]:
    rows = Share.objects.filter(conversation__user=user).select_related("conversation")
    for share in rows.order_by("pk").iterator(_ROWS_AT_ONCE):
        yield encode(
            {
                "slug": share.slug,
                "conversation": str(share.conversation.uuid),
                "created_at": moment(share.created_at),
                "expires_at": moment(share.expires_at),
                "title": share.title,
                "messages": share_messages(share=share),
                "omitted": share.omitted,
            }
        )


def _feedback(user: User) -> Iterator[str]:
    rows = Feedback.objects.filter(user=user).select_related("message__conversation")
    for feedback in rows.order_by("pk").iterator(_ROWS_AT_ONCE):
        yield encode(
            {
                "conversation": str(feedback.message.conversation.uuid),
                "text": feedback.message.shown_content,
                "rating": feedback.rating,
                "comment": feedback.comment,
                "created_at": moment(feedback.created_at),
                "updated_at": moment(feedback.updated_at),
            }
        )


def _reports(user: User) -> Iterator[str]:
    rows = Report.objects.filter(reporter=user).select_related("message").order_by("pk")
    for report in rows.iterator(_ROWS_AT_ONCE):
        is_hidden = report.message is not None and report.message.is_hidden
        yield encode(
            {
                "text": "" if is_hidden else report.text,
                "reason": report.reason,
                "comment": report.comment,
                "state": report.state,
                "created_at": moment(report.created_at),
                "updated_at": moment(report.updated_at),
            }
        )


def _other_replies(user: User) -> Iterator[str]:
    """Of which no text is kept: temporary chats and /v1."""
    rows = Generation.objects.filter(user=user, message=None).order_by("queued_at", "pk")
    for generation in rows.iterator(_ROWS_AT_ONCE):
        yield encode({**generation_document(generation), "queued_at": moment(generation.queued_at)})


CHAT_BELONGINGS = Belongings(
    sections={
        "conversations": _conversations,
        "traces": _traces,
        "shares": _shares,
        "feedback": _feedback,
        "reports": _reports,
        "other_replies": _other_replies,
    },
    stop=_stop,
    delete=_delete,
)
