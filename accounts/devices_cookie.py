"""Device cookies (OWASP): a browser in which somebody has signed in is known again, so that what
strangers do to a name does not lock out its owner.

The cookie is signed and holds a random number and the accounts that have signed in with it; it lets
nobody in, a password is needed as ever. HttpOnly, and sent to the sign-in routes only.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.models import User

LIFETIME = timedelta(days=365)
_SALT = "eugpt.device"
_ACCOUNTS_MAX = 5


@dataclass(frozen=True, slots=True)
class Device:
    """A browser, and the ids of the accounts that it knows, the newest first."""

    number: str
    user_ids: tuple[int, ...] = ()

    def knows(self, user: User | None) -> bool:
        return user is not None and user.pk in self.user_ids


def device_read(request: HttpRequest) -> Device:
    """The device that the request comes from; a new one if its cookie is missing or not ours."""
    raw = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")
    try:
        number, user_ids = signing.loads(raw, salt=_SALT, max_age=LIFETIME)
        return Device(number, tuple(user_ids))
    except (signing.BadSignature, ValueError):
        return Device(secrets.token_urlsafe(16))


def device_know(request: HttpRequest, response: HttpResponseBase, *, user: User) -> None:
    """From now on this browser is one of the user's: they have proved who they are with it."""
    device = device_read(request)
    others = tuple(user_id for user_id in device.user_ids if user_id != user.pk)
    device = replace(device, user_ids=(user.pk, *others)[:_ACCOUNTS_MAX])
    is_admin = request.path.startswith(settings.ADMIN_COOKIE_PATH)
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps([device.number, list(device.user_ids)], salt=_SALT),
        max_age=LIFETIME,
        path=settings.ADMIN_COOKIE_PATH if is_admin else settings.REFRESH_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax" if is_admin else settings.REFRESH_COOKIE_SAMESITE,
    )
