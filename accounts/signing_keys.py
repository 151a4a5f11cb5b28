"""The keys that signed things which are still good: EUGPT_SECRET_KEY_FALLBACKS.

Everything is signed with the newest key; what was signed with an older one is taken as long as that
one is configured. Django does so itself for what it signs (cookies, links, admin sessions); here is
what it does not know: tokens, and values that are only compared.
"""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac
from jwt import InvalidSignatureError
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken as PlainAccessToken
from rest_framework_simplejwt.tokens import RefreshToken as PlainRefreshToken


def accepted_keys() -> tuple[str, ...]:
    """The key that signs, then the older ones."""
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


def digests(salt: str, value: str) -> Iterator[bytes]:
    """The HMAC of a value under each accepted key; the first one is the one to keep."""
    for key in accepted_keys():
        yield salted_hmac(salt, value, secret=key, algorithm="sha256").digest()


def is_digest(hexdigest: str, salt: str, value: str) -> bool:
    """Whether this is (the beginning of) the value's HMAC under any accepted key."""
    length = len(hexdigest)
    return bool(length) and any(
        constant_time_compare(hexdigest, it.hex()[:length]) for it in digests(salt, value)
    )


class RotatingTokenBackend(TokenBackend):
    """Signs with the newest key; a token of an older one is as good until it expires."""

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        try:
            return super().decode(token, verify)
        except TokenBackendError as error:
            if not isinstance(error.__cause__, InvalidSignatureError):
                raise
            for key in settings.JWT_FALLBACK_KEYS:
                try:
                    return _backend(key).decode(token, verify)
                except TokenBackendExpiredToken:
                    raise
                except TokenBackendError:
                    continue
            raise


def _backend(key: str) -> TokenBackend:
    return TokenBackend(api_settings.ALGORITHM, key, leeway=api_settings.LEEWAY)


_ROTATING = RotatingTokenBackend(
    api_settings.ALGORITHM, api_settings.SIGNING_KEY, leeway=api_settings.LEEWAY
)


class AccessToken(PlainAccessToken):
    """simplejwt's, under all accepted keys."""

    _token_backend = _ROTATING


class RefreshToken(PlainRefreshToken):
    """simplejwt's, under all accepted keys; the access tokens made of it, too."""

    _token_backend = _ROTATING
    access_token_class = AccessToken
