"""Writes the audit log. Everything that staff does in the admin ends here.

What may be in `detail`: ids, numbers, codes, names of fields, a reason that staff wrote. Never a
text of a message, a name of a person (it could not be taken back), a secret or an address.
"""

import logging
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest

from accounts.models import User
from accounts.request_ids import request_id
from moderation.models import ACTION_MAX_CHARS, NAME_MAX_CHARS, AuditEntry

logger = logging.getLogger(__name__)

USER_TYPE = "accounts.user"
# Whose names say what they are and quote nobody. Titles of conversations come from messages.
NAMED_TYPES = {USER_TYPE, "auth.group", "inference.checkpoint", "chat.safetyrule"}
NOBODY = "system"

Actor = HttpRequest | User | AnonymousUser | None


@transaction.atomic
def record(
    request_or_actor: Actor,
    action: str,
    target: Model | str = "",
    detail: dict[str, Any] | None = None,
) -> AuditEntry:
    """Store one act, inside the caller's transaction where there is one.

    `request_or_actor`: the request or its user; None for a command. `target`: the row, or words
    where there is none.
    """
    actor = _actor(request_or_actor)
    kind, target_id, name = _target(target)
    entry = AuditEntry.objects.create(
        actor=actor,
        actor_name=(actor.username if actor else NOBODY)[:NAME_MAX_CHARS],
        action=action[:ACTION_MAX_CHARS],
        target_type=kind,
        target_id=target_id,
        target_name=name[:NAME_MAX_CHARS],
        detail=detail or {},
        request_id=request_id(),
    )
    if isinstance(request_or_actor, HttpRequest):
        request_or_actor.audit_entries = acts_of(request_or_actor) + 1  # type: ignore[attr-defined]
    return entry


def acts_of(request: HttpRequest) -> int:
    """How many entries this request has written."""
    return int(getattr(request, "audit_entries", 0))


def _actor(request_or_actor: Actor) -> User | None:
    user: Any = request_or_actor
    if isinstance(request_or_actor, HttpRequest):
        user = request_or_actor.user
    return user if isinstance(user, User) and user.pk else None


def _target(target: Model | str) -> tuple[str, str, str]:
    if isinstance(target, str):
        return "", "", target
    kind = target._meta.label_lower
    name = str(target) if kind in NAMED_TYPES else f"{target._meta.verbose_name} {target.pk}"
    if isinstance(target, User) and not _holds(target):
        name = name_of_deleted(target)
    return kind, str(target.pk), name


def _holds(user: User) -> bool:
    """Whether the account is there, and stays until this transaction ends.

    Else who deletes it at this moment would not see the entry, and the name would stay in it.
    """
    return User.objects.select_for_update(no_key=True).filter(pk=user.pk).exists()


def name_of_deleted(user: User) -> str:
    return f"deleted {'staff' if user.is_staff else 'user'} #{user.pk}"


def unname(user: User) -> None:
    """Before an account is deleted: its acts and what was done to it stay, without the name."""
    name = name_of_deleted(user)
    AuditEntry.objects.filter(actor=user).update(actor_name=name)
    about = AuditEntry.objects.filter(target_type=USER_TYPE, target_id=str(user.pk))
    about.update(target_name=name)
