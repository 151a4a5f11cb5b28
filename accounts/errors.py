"""Errors with a stable code, and the one translation of any exception into what a client sees.

REST, SSE and the WebSocket consumer all use `error_describe`; `chat.errors` adds its own classes.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import redis.exceptions
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404
from kombu.exceptions import OperationalError as BrokerError
from psycopg.errors import ForeignKeyViolation
from rest_framework import exceptions, status

UNAVAILABLE_RETRY_S = 5


class ApiError(exceptions.APIException):
    """Base of EuGPT's errors: `code` and `detail` from the class, `data` joins the body.

    `example` is such data, for the API's documents.
    """

    status_code: int = status.HTTP_400_BAD_REQUEST
    default_detail = "The request cannot be carried out."
    default_code = "invalid"
    example: ClassVar[dict[str, Any]] = {}

    def __init__(self, detail: str | None = None, **data: Any) -> None:
        super().__init__(detail=detail)
        self.data = data


class Invalid(ApiError):
    default_detail = "The request is not valid."
    example: ClassVar = {"fields": {"title": ["This field may not be blank."]}}


class UsernameTaken(ApiError):
    status_code = status.HTTP_409_CONFLICT
    default_detail = "This username is taken."
    default_code = "username_taken"


class InvalidCredentials(ApiError):
    status_code = status.HTTP_401_UNAUTHORIZED
    default_detail = "The username or the password is wrong."
    default_code = "invalid_credentials"


class WrongPassword(ApiError):
    """The password that a signed-in user confirms something with."""

    status_code = status.HTTP_403_FORBIDDEN
    default_detail = "The password is wrong."
    default_code = "wrong_password"


class NotAuthenticated(ApiError):
    """No token, or one that is expired, revoked or not ours."""

    status_code = status.HTTP_401_UNAUTHORIZED
    default_detail = "Sign in to continue."
    default_code = "not_authenticated"


class InvalidApiKey(ApiError):
    """Unknown, revoked or expired: all look the same."""

    status_code = status.HTTP_401_UNAUTHORIZED
    default_detail = "This API key is not valid. Keys are made in the settings or at /api/keys."
    default_code = "invalid_api_key"


class TooManyKeys(ApiError):
    """Raise with `limit`."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "You have as many API keys as one account can have. Revoke one first."
    default_code = "too_many_keys"
    example: ClassVar = {"limit": 20}


class Suspended(ApiError):
    """Made by `accounts.suspension`: `reason` (may be ""), `until` (a time as text, or None)."""

    status_code = status.HTTP_403_FORBIDDEN
    default_detail = "This account is suspended."
    default_code = "suspended"
    example: ClassVar = {"reason": "Spam", "until": "2026-12-01T12:00:00Z"}


class RegistrationClosed(ApiError):
    status_code = status.HTTP_403_FORBIDDEN
    default_detail = "New accounts cannot be made here."
    default_code = "registration_closed"


class EmailOff(ApiError):
    status_code = status.HTTP_409_CONFLICT
    default_detail = "This server sends no e-mail."
    default_code = "email_off"


class InvalidLink(ApiError):
    """Not ours, used, expired, or made useless by a change: all look the same."""

    default_detail = "This link is not valid any more. Ask for a new one."
    default_code = "invalid_link"


class LockedOut(ApiError):
    """Raise with `retry_after`, in whole seconds."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_detail = "Too many failed attempts to sign in. Try again later."
    default_code = "locked_out"
    example: ClassVar = {"retry_after": 600}


class ForeignOrigin(ApiError):
    status_code = status.HTTP_403_FORBIDDEN
    default_detail = "This request came from another site."
    default_code = "foreign_origin"


class RateLimited(ApiError):
    """Raise with `retry_after`, in whole seconds."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_detail = "Too many requests. Try again in a moment."
    default_code = "rate_limited"
    example: ClassVar = {"retry_after": 12}


class QuotaExceeded(ApiError):
    """What a role has for a day is used up. Raise with `limit` and `retry_after`."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_detail = "You have used up your messages of this day. More come back with time."
    default_code = "quota_exceeded"
    example: ClassVar = {"limit": 2000, "retry_after": 3600}


class Unavailable(ApiError):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "EuGPT is not available for the moment. Try again shortly."
    default_code = "unavailable"
    example: ClassVar = {"retry_after": UNAVAILABLE_RETRY_S}


class NotFound(ApiError):
    """Not there, or not yours: both look the same."""

    status_code = status.HTTP_404_NOT_FOUND
    default_detail = "Not found."
    default_code = "not_found"


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """An exception as a client sees it: HTTP status and body (`detail`, `code`, more)."""

    status: int
    body: dict[str, Any]

    @property
    def code(self) -> str:
        return str(self.body["code"])

    @property
    def is_internal(self) -> bool:
        """True for what nobody foresaw: the caller must log it."""
        return self.status == status.HTTP_500_INTERNAL_SERVER_ERROR


_OUTAGES = (OperationalError, InterfaceError, redis.exceptions.RedisError, BrokerError)


def _known(exc: BaseException) -> BaseException:
    """Exceptions of Django, Redis and Celery as their EuGPT counterparts."""
    if isinstance(exc, Http404):
        return NotFound()
    if isinstance(exc, IntegrityError) and isinstance(exc.__cause__, ForeignKeyViolation):
        return NotFound()  # what it belongs to was deleted at this very moment
    if isinstance(exc, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(exc, SuspiciousOperation):
        return Invalid()
    if isinstance(exc, _OUTAGES):
        return Unavailable(retry_after=UNAVAILABLE_RETRY_S)
    if isinstance(exc, exceptions.ParseError):
        return Invalid(str(exc.detail))
    return exc


def error_describe(exc: BaseException) -> ErrorInfo:
    """Translate any exception; never reveals the text of an unforeseen one."""
    known = _known(exc)
    if isinstance(known, exceptions.ValidationError):
        return ErrorInfo(known.status_code, _field_body(known))
    if isinstance(known, exceptions.APIException):
        codes = known.get_codes()
        code = codes if isinstance(codes, str) else known.default_code
        detail = known.detail
        text = str(detail if isinstance(detail, str) else known.default_detail)
        return ErrorInfo(
            known.status_code, {"detail": text, "code": code, **getattr(known, "data", {})}
        )
    body = {"detail": "Something went wrong on our side.", "code": "internal"}
    return ErrorInfo(status.HTTP_500_INTERNAL_SERVER_ERROR, body)


def _flat(detail: dict[Any, Any], prefix: str = "") -> dict[str, Any]:
    """Messages by field; one inside another is named `outer.inner`."""
    fields: dict[str, Any] = {}
    for name, messages in detail.items():
        if isinstance(messages, dict):
            fields |= _flat(messages, f"{prefix}{name}.")
        else:
            fields[f"{prefix}{name}"] = messages
    return fields


def _field_body(error: exceptions.ValidationError) -> dict[str, Any]:
    """`{"detail", "code": "invalid", "fields"}`; `detail` repeats the first message."""
    detail: Any = error.detail
    fields = _flat(detail) if isinstance(detail, dict) else {"non_field_errors": detail}
    name, messages = next(iter(fields.items()), ("", ["Invalid input."]))
    first = messages[0] if isinstance(messages, list) and messages else messages
    text = str(first) if name == "non_field_errors" else f"{name}: {first}"
    return {"detail": text, "code": "invalid", "fields": fields}
