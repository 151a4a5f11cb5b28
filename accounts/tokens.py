"""Access and refresh tokens: issue, rotate, end.

All tokens carry the id of their session, which ends them when it ends, and the user's
`token_version`: raising that ends every session at once. A refresh token is good once. A second use
within ROTATION_GRACE still works, since the browser may have lost the answer to the first (reload,
two tabs); a later one means that somebody else holds a copy, and ends the session.
"""

import re
import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import Token

from accounts.errors import NotAuthenticated
from accounts.models import Session, User
from accounts.sessions import (
    ENDED,
    session_start,
    session_touch,
    sessions_tell,
    user_lock,
)
from accounts.signing_keys import RefreshToken
from accounts.suspension import suspension_check

VERSION_CLAIM = "ver"
SESSION_CLAIM = "sid"
ROTATION_GRACE = timedelta(seconds=15)
_USER_ID = re.compile(r"[0-9]{1,18}")  # what the column holds


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a client holds: `access` in memory, `refresh` in the cookie."""

    access: str
    refresh: str
    user: User


class Superseded(NotAuthenticated):
    """An old token of a session that goes on: the browser may hold the new one by now."""


class _AnyRefreshToken(RefreshToken):
    """A refresh token whose signature and expiry are checked, but not yet the blacklist."""

    def check_blacklist(self) -> None:
        return None


def tokens_issue(*, user: User, user_agent: str = "") -> TokenPair:
    """Start a session of the user as it was read when the password was checked.

    Raises NotAuthenticated or Suspended when it was changed or suspended meanwhile.
    """
    with transaction.atomic():
        locked = user_lock(user_id=user.pk)
        _check(locked, user.token_version)
        return _issue(user, session_start(user=user, user_agent=user_agent).pk)


def tokens_rotate(*, raw_refresh: str, user_agent: str = "") -> TokenPair:
    """Trade a refresh token for a new pair; raises NotAuthenticated, Superseded or Suspended."""
    old = _decode(raw_refresh)
    session_id = session_of(old)
    with transaction.atomic():
        user = user_lock(user_id=user_of(old))
        _check(user, old.get(VERSION_CLAIM), session_id)
        stored = OutstandingToken.objects.filter(user=user, jti=_jti(old)).first()
        if stored is None:
            raise NotAuthenticated(ENDED)
        spent, is_first_use = BlacklistedToken.objects.get_or_create(token=stored)
        if is_first_use or timezone.now() - spent.blacklisted_at < ROTATION_GRACE:
            return tokens_go_on(user=user, session_id=session_id, user_agent=user_agent)
        Session.objects.filter(user=user, pk=session_id).delete()
        sessions_tell(user_id=user.pk)
    raise NotAuthenticated(ENDED)


def tokens_end(*, raw_refresh: str) -> None:
    """End the session of this refresh token. An unusable token has no session: no error."""
    try:
        token = _decode(raw_refresh)
        with transaction.atomic():
            user = user_lock(user_id=user_of(token))
            Session.objects.filter(user=user, pk=session_of(token)).delete()
            _blacklist(user, jti=_jti(token))
            sessions_tell(user_id=user.pk)
    except NotAuthenticated:
        return


def tokens_end_all(*, user: User, keep: uuid.UUID | None = None) -> None:
    """End every session of the user, access tokens included. Run inside a transaction.

    The session `keep` can go on with new tokens (`tokens_go_on`).
    """
    user.token_version += 1
    user.save(update_fields=["token_version"])
    sessions = Session.objects.filter(user=user)
    (sessions.exclude(pk=keep) if keep else sessions).delete()
    _blacklist(user)
    sessions_tell(user_id=user.pk)


def tokens_go_on(*, user: User, session_id: uuid.UUID, user_agent: str) -> TokenPair:
    """New tokens for this session. Run inside a transaction, with the user locked.

    Raises NotAuthenticated when it has ended.
    """
    session_touch(user=user, session_id=session_id, user_agent=user_agent)
    return _issue(user, session_id)


def user_of(token: Token) -> int:
    """The id of the user whom a token names; raises NotAuthenticated where it names none."""
    user_id = str(token.get(api_settings.USER_ID_CLAIM, ""))
    if not _USER_ID.fullmatch(user_id):
        raise NotAuthenticated
    return int(user_id)


def session_of(token: Token) -> uuid.UUID:
    """The session that a token is of; raises NotAuthenticated where it names none."""
    try:
        return uuid.UUID(str(token.get(SESSION_CLAIM, "")))
    except ValueError:
        raise NotAuthenticated(ENDED) from None


def _blacklist(user: User, **only: str) -> None:
    tokens = OutstandingToken.objects.filter(
        user=user, blacklistedtoken__isnull=True, expires_at__gt=timezone.now(), **only
    )
    BlacklistedToken.objects.bulk_create(
        [BlacklistedToken(token=token) for token in tokens], ignore_conflicts=True
    )


def _check(user: User, token_version: int | None, session_id: uuid.UUID | None = None) -> None:
    suspension_check(user)
    if token_version != user.token_version:
        goes_on = session_id and Session.objects.filter(user=user, pk=session_id).exists()
        raise (Superseded if goes_on else NotAuthenticated)(ENDED)


def _issue(user: User, session_id: uuid.UUID) -> TokenPair:
    refresh = RefreshToken.for_user(user)
    refresh[VERSION_CLAIM] = user.token_version
    refresh[SESSION_CLAIM] = session_id.hex
    return TokenPair(access=str(refresh.access_token), refresh=str(refresh), user=user)


def _decode(raw: str) -> RefreshToken:
    try:
        return _AnyRefreshToken(raw)  # type: ignore[arg-type]
    except TokenError:
        raise NotAuthenticated from None


def _jti(token: Token) -> str:
    return str(token[api_settings.JTI_CLAIM])
