"""The refresh cookie: HttpOnly, sent to the auth routes only.

With SameSite=None, for a front end on another site, browsers send it whoever asks: what keeps other
sites out is `accounts.origin` on every route that reads it. It is not `Partitioned`: neither
Django 5.2 nor Python 3.11 can write that, so browsers that block third-party cookies refuse it.
"""

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework_simplejwt.settings import api_settings


def cookie_read(request: HttpRequest) -> str:
    """The refresh token a request carries, or ""."""
    return request.COOKIES.get(settings.REFRESH_COOKIE_NAME, "")


def cookie_set(response: HttpResponseBase, *, refresh: str) -> None:
    """Keep the refresh token in the browser for as long as it lives."""
    response.set_cookie(
        settings.REFRESH_COOKIE_NAME,
        refresh,
        max_age=api_settings.REFRESH_TOKEN_LIFETIME,
        path=settings.REFRESH_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite=settings.REFRESH_COOKIE_SAMESITE,
    )


def cookie_clear(response: HttpResponseBase) -> None:
    """Remove the refresh token from the browser."""
    response.delete_cookie(
        settings.REFRESH_COOKIE_NAME,
        path=settings.REFRESH_COOKIE_PATH,
        samesite=settings.REFRESH_COOKIE_SAMESITE,
    )
