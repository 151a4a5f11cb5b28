"""Access and refresh tokens: issue, rotate, end.

A refresh token is good once. A second use within ROTATION_GRACE_S still works when the first was a
rotation whose answer the browser may have lost (reload, two tabs), and never after a logout. All
tokens carry the user's `token_version`, so raising that ends every session at once.
"""

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken, Token

from accounts.errors import NotAuthenticated, Suspended
from accounts.models import User
from accounts.store import redis_client

VERSION_CLAIM = "ver"
ROTATION_GRACE_S = 15
_ROTATED_PREFIX = "eugpt:rotated:"


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a client holds: `access` in memory, `refresh` in the cookie."""

    access: str
    refresh: str
    user: User


class _AnyRefreshToken(RefreshToken):
    """A refresh token whose signature and expiry are checked, but not yet the blacklist."""

    def check_blacklist(self) -> None:
        return None


def tokens_issue(*, user: User) -> TokenPair:
    """Start a session of the user."""
    return _issue(user)[1]


def tokens_rotate(*, raw_refresh: str) -> TokenPair:
    """Trade a refresh token for a new pair; raises NotAuthenticated or Suspended.

    One transaction: of two calls with one token, the row lock lets one rotate.
    """
    old = _decode(raw_refresh)
    with transaction.atomic():
        stored = OutstandingToken.objects.select_for_update().filter(jti=_jti(old)).first()
        if stored is None or stored.user_id is None:
            raise NotAuthenticated
        user = User.objects.get(pk=stored.user_id)
        user_check(user=user, token=old)
        _, is_first_use = BlacklistedToken.objects.get_or_create(token=stored)
        if not is_first_use:
            _grace_check(stored.jti)
        refresh, pair = _issue(user)
        if is_first_use:
            redis_client().set(_ROTATED_PREFIX + stored.jti, _jti(refresh), ex=ROTATION_GRACE_S)
    return pair


def tokens_end(*, raw_refresh: str) -> None:
    """End the session of this refresh token. An unusable token has no session: no error."""
    try:
        token = _decode(raw_refresh)
    except NotAuthenticated:
        return
    stored = OutstandingToken.objects.filter(jti=_jti(token)).first()
    if stored is not None:
        BlacklistedToken.objects.get_or_create(token=stored)
        redis_client().delete(_ROTATED_PREFIX + stored.jti)


def tokens_end_all(*, user: User) -> None:
    """End every session of the user, access tokens included. Run inside a transaction."""
    user.token_version += 1
    user.save(update_fields=["token_version"])
    open_tokens = OutstandingToken.objects.filter(
        user=user, blacklistedtoken__isnull=True, expires_at__gt=timezone.now()
    )
    BlacklistedToken.objects.bulk_create(
        [BlacklistedToken(token=token) for token in open_tokens], ignore_conflicts=True
    )


def user_check(*, user: User, token: Token) -> None:
    """Refuse a token of a suspended user (Suspended) or an ended session (NotAuthenticated)."""
    if not user.is_active:
        raise Suspended
    if token.get(VERSION_CLAIM) != user.token_version:
        raise NotAuthenticated("Your session has ended. Sign in again.")


def _issue(user: User) -> tuple[RefreshToken, TokenPair]:
    refresh = RefreshToken.for_user(user)
    refresh[VERSION_CLAIM] = user.token_version
    pair = TokenPair(access=str(refresh.access_token), refresh=str(refresh), user=user)
    return refresh, pair


def _decode(raw: str) -> RefreshToken:
    try:
        return _AnyRefreshToken(raw)  # type: ignore[arg-type]
    except TokenError:
        raise NotAuthenticated from None


def _jti(token: Token) -> str:
    return str(token[api_settings.JTI_CLAIM])


def _grace_check(jti: str) -> None:
    """Accept a spent token that was rotated a moment ago, unless its session ended since."""
    successor = redis_client().get(_ROTATED_PREFIX + jti)
    if successor is not None:
        is_spent = BlacklistedToken.objects.filter(token__jti=successor).exists()
        if not is_spent or redis_client().exists(f"{_ROTATED_PREFIX}{successor}"):
            return
    raise NotAuthenticated("Your session has ended. Sign in again.")
