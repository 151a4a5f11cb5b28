"""API keys: make, look up, revoke.

A key is 256 random bits, so its plain SHA-256 is as good as a slow hash and costs nothing at each
request. Revoking deletes the row. Keys outlive a change of the password, but not a reset by mail; a
suspended user's are refused.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.errors import InvalidApiKey, NotFound, TooManyKeys
from accounts.models import ApiKey, User
from accounts.sessions import user_lock
from accounts.suspension import suspension_check

KEYS_MAX = 20
KEY_START = "eugpt-"
USE_NOTED_EVERY = timedelta(minutes=1)
_RANDOM_BYTES = 32
_KEY_MAX_CHARS = 100
_PREFIX_CHARS = len(KEY_START) + 6


def key_create(*, user: User, name: str, expires_at: datetime | None = None) -> tuple[ApiKey, str]:
    """A new key of the user, and its text, which nobody can read again; raises TooManyKeys."""
    secret = KEY_START + secrets.token_urlsafe(_RANDOM_BYTES)
    with transaction.atomic():
        user_lock(user_id=user.pk)  # two requests cannot both be the 20th
        if ApiKey.objects.filter(user=user).count() >= KEYS_MAX:
            raise TooManyKeys(limit=KEYS_MAX)
        key = ApiKey.objects.create(
            user=user,
            name=name,
            prefix=secret[:_PREFIX_CHARS],
            key_hash=_hash(secret),
            expires_at=expires_at,
        )
    return key, secret


def key_list(*, user: User) -> QuerySet[ApiKey]:
    """The user's keys, newest first; at most KEYS_MAX."""
    return ApiKey.objects.filter(user=user).order_by("-created_at", "-id")


def key_revoke(*, user: User, key_id: int) -> None:
    """End a key of the user at once; raises NotFound."""
    deleted, _ = ApiKey.objects.filter(user=user, pk=key_id).delete()
    if not deleted:
        raise NotFound


def keys_revoke_all(*, user: User) -> None:
    """End all keys of the user at once."""
    ApiKey.objects.filter(user=user).delete()


def key_user(*, secret: str) -> User:
    """Whose key this is; notes the use. Raises InvalidApiKey or Suspended."""
    if not secret.startswith(KEY_START) or len(secret) > _KEY_MAX_CHARS:
        raise InvalidApiKey
    key = ApiKey.objects.select_related("user").filter(key_hash=_hash(secret)).first()
    now = timezone.now()
    if key is None or (key.expires_at is not None and key.expires_at <= now):
        raise InvalidApiKey
    suspension_check(key.user)
    if key.last_used_at is None or now - key.last_used_at >= USE_NOTED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key.user


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
