"""Signed links in mails: expiring, good once, for one purpose, bound to what they change.

A link names the user and a fingerprint of the values that its use changes, under a key of its
purpose. So a used one is worthless without being stored anywhere, and so is every link that was
sent before the password changed. The token stands behind `#`: it reaches no server's log.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.core import signing
from django.utils.crypto import salted_hmac

from accounts.errors import InvalidLink
from accounts.models import User
from accounts.signing_keys import is_digest

TOKEN_MAX_CHARS = 300


class LinkKind(StrEnum):
    """What a link does; its value is part of the page's address."""

    VERIFY = "verify"
    RESET = "reset"


LIFETIMES = {LinkKind.VERIFY: timedelta(days=2), LinkKind.RESET: timedelta(hours=1)}


def link_make(*, kind: LinkKind, user: User) -> str:
    """The address to send: at EUGPT_PUBLIC_ORIGIN, never at what a request calls its host."""
    token = signing.dumps([user.pk, _fingerprint(kind, user)], salt=_salt(kind))
    return f"{settings.PUBLIC_ORIGIN}/{kind}/#token={token}"


def link_user(*, kind: LinkKind, token: str) -> User:
    """The user of an unused link, the row locked; run inside a transaction. Raises InvalidLink."""
    user_id, fingerprint = _read(kind, token)
    user = User.objects.select_for_update(no_key=True).filter(pk=user_id, is_active=True).first()
    if user is None or not is_digest(fingerprint, _salt(kind), _bound(kind, user)):
        raise InvalidLink
    return user


def _read(kind: LinkKind, token: str) -> tuple[int, str]:
    if len(token) > TOKEN_MAX_CHARS:
        raise InvalidLink
    try:
        value: Any = signing.loads(token, salt=_salt(kind), max_age=LIFETIMES[kind])
    except (signing.BadSignature, ValueError):
        raise InvalidLink from None
    return value[0], value[1]


def _fingerprint(kind: LinkKind, user: User) -> str:
    return salted_hmac(_salt(kind), _bound(kind, user), algorithm="sha256").hexdigest()[:32]


def _bound(kind: LinkKind, user: User) -> str:
    """What the use of a link changes."""
    if kind is LinkKind.VERIFY:
        return "\n".join([user.password, user.pending_email, str(user.pending_email_at)])
    return "\n".join([user.password, user.email, str(user.token_version)])


def _salt(kind: LinkKind) -> str:
    return f"eugpt.link.{kind}"
