"""The guest cookie: a signed random number, so that guests behind one address have limits of their
own. It says nothing else, is stored nowhere on the server and lets nobody in.

A client without one, or with one that is not ours, is "the guest of its address": throwing cookies
away or making some up gives no more than one guest has, and all guests of an address together have
a limit, too (`chat.generation.admission`).
"""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpResponse, parse_cookie
from django.http.response import HttpResponseBase

LIFETIME = timedelta(days=30)
_SALT = "eugpt.guest"
_COOKIE_MAX_CHARS = 200


def guest_read(cookies: Mapping[str, str]) -> str:
    """The guest's random number; "" where there is none that we gave out."""
    raw = cookies.get(settings.GUEST_COOKIE_NAME, "")
    if not raw or len(raw) > _COOKIE_MAX_CHARS:
        return ""
    try:
        return signing.TimestampSigner(salt=_SALT).unsign(raw, max_age=LIFETIME)
    except signing.BadSignature:
        return ""


def guest_remember(response: HttpResponseBase, cookies: Mapping[str, str]) -> str:
    """Give the browser a cookie, unless it has sent a good one; returns the new number or ""."""
    if guest_read(cookies):
        return ""
    number = secrets.token_urlsafe(16)
    response.set_cookie(
        settings.GUEST_COOKIE_NAME,
        signing.TimestampSigner(salt=_SALT).sign(number),
        max_age=LIFETIME,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite=settings.REFRESH_COOKIE_SAMESITE,
    )
    return number


def socket_cookies(scope: Mapping[str, Any]) -> dict[str, str]:
    """The cookies of a WebSocket's handshake."""
    headers = [value for name, value in scope["headers"] if name == b"cookie"]
    return parse_cookie(b"; ".join(headers).decode("latin1"))


def socket_greet(scope: Mapping[str, Any]) -> tuple[list[tuple[bytes, bytes]], str]:
    """The headers with which a guest's handshake is accepted, and the number they give, or ""."""
    response = HttpResponse()
    number = guest_remember(response, socket_cookies(scope))
    headers = [
        (b"set-cookie", morsel.OutputString().encode("latin1"))
        for morsel in response.cookies.values()
    ]
    return headers, number
