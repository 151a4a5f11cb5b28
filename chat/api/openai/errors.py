"""Errors as OpenAI's clients read them. What an error says is decided in `accounts.errors`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from accounts.errors import ErrorInfo

V1_PREFIX = "/v1/"

_TYPES = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
}
# What our codes are called here.
_CODES = {"refused": "content_filter"}
# Errors that all transports know, and what their cause is called here.
_PARAMS = {"prompt_too_long": "messages", "content_filter": "messages"}
# The `error` events of a reply that had begun; any other code is a 500.
_ENDINGS = {
    "prompt_too_long": HTTPStatus.BAD_REQUEST,
    "not_found": HTTPStatus.NOT_FOUND,
    "worker_lost": HTTPStatus.SERVICE_UNAVAILABLE,
    "input_expired": HTTPStatus.SERVICE_UNAVAILABLE,
    "engine_dead": HTTPStatus.SERVICE_UNAVAILABLE,
    "engine_full": HTTPStatus.SERVICE_UNAVAILABLE,
    "deadline_exceeded": HTTPStatus.GATEWAY_TIMEOUT,
    "timeout": HTTPStatus.GATEWAY_TIMEOUT,
}


def openai_error(info: ErrorInfo) -> dict[str, Any]:
    """`{"error": {message, type, param, code}}`, and what else our error tells, beside them."""
    more = dict(info.body)
    code, message = more.pop("code"), more.pop("detail")
    code = _CODES.get(code, code)
    fields = more.pop("fields", {})
    param = more.pop("param", next(iter(fields), _PARAMS.get(code)))
    kind = _TYPES.get(HTTPStatus(info.status))
    if kind is None:
        kind = "server_error" if info.status >= 500 else "invalid_request_error"
    return {"error": {**more, "message": message, "type": kind, "param": param, "code": code}}


def ending_error(data: dict[str, Any]) -> ErrorInfo:
    """The status that belongs to the `error` event of a reply."""
    status = _ENDINGS.get(data["code"], HTTPStatus.INTERNAL_SERVER_ERROR)
    return ErrorInfo(status, data)
