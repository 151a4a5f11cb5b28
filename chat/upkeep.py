"""What chat keeps for a time only: expired shares, rows of guests, and, where the operator says so
(EUGPT_RETENTION_DAYS), what nobody has used for long.
"""

from contextlib import suppress
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.errors import NotAuthenticated
from accounts.models import ApiKey, Session, User
from accounts.removal import account_erase
from accounts.sessions import user_lock
from accounts.upkeep import Leftovers, Rows, retention_end
from chat.models import UNFINISHED, Conversation, Generation, Share
from chat.services.conversations import conversation_delete

DETACHED_ROWS_LIFE = timedelta(days=1)


def _detached() -> Rows:
    """Of guests, temporary chats and /v1: counts and times, no text."""
    old = timezone.now() - DETACHED_ROWS_LIFE
    rows = Generation.objects.filter(message=None, queued_at__lt=old)
    return rows.exclude(status__in=UNFINISHED)


def _untouched_conversations() -> Rows | None:
    """But pinned ones: to pin is to say that it is to stay."""
    end = retention_end()
    return None if end is None else Conversation.objects.filter(updated_at__lt=end, pinned=False)


def _delete_conversations(rows: Rows) -> None:
    """One after the other, each only if nobody has used it since the batch was read."""
    for pk in list(rows.values_list("pk", flat=True)):
        with transaction.atomic():
            found = _untouched_conversations()
            if found is None:
                return
            locked = found.select_for_update(of=("self",)).filter(pk=pk).first()
            if locked is not None:
                conversation_delete(conversation=locked)


def _unused_accounts() -> Rows | None:
    """Without a conversation, signed in nowhere and for long not at all. Not the staff's, and not
    suspended ones, which could be registered anew.
    """
    end = retention_end()
    if end is None:
        return None
    mine = OuterRef("pk")
    is_used = Q(last_used_at__gte=end) | Q(created_at__gte=end)
    users = User.objects.filter(
        Q(last_login=None) | Q(last_login__lt=end),
        date_joined__lt=end,
        is_active=True,
        is_staff=False,
        is_superuser=False,
    )
    return users.exclude(
        Exists(Conversation.objects.filter(user=mine))
        | Exists(Session.objects.filter(user=mine, last_seen_at__gte=end))
        | Exists(ApiKey.objects.filter(is_used, user=mine))
        | Exists(Generation.objects.filter(user=mine, queued_at__gte=end))
    )


def _erase_accounts(rows: Rows) -> None:
    """One after the other, each only if its user has not come back since the batch was read."""
    for pk in list(rows.values_list("pk", flat=True)):
        with suppress(NotAuthenticated), transaction.atomic():  # deleted meanwhile
            user_lock(user_id=pk)  # who signs in now waits, and finds the account or none
            found = _unused_accounts()
            user = found.filter(pk=pk).first() if found is not None else None
            if user is not None:
                account_erase(user=user)


CHAT_LEFTOVERS = (
    Leftovers("expired shares", lambda: Share.objects.filter(expires_at__lte=timezone.now())),
    Leftovers("rows of guests and temporary chats", _detached),
    Leftovers("conversations untouched for long", _untouched_conversations, _delete_conversations),
    Leftovers("accounts unused for long", _unused_accounts, _erase_accounts),
)
