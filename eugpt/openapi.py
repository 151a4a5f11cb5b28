"""What every route of the API has, put into the schema in one place, so that views stay short.

A view names its own shapes and the errors of its own; this hook of drf-spectacular adds a summary,
the answers that any such route may give, their examples and headers, and the descriptions of tags.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.conf import settings

from accounts.errors import (
    ApiError,
    ErrorInfo,
    Invalid,
    InvalidApiKey,
    NotAuthenticated,
    NotFound,
    RateLimited,
    Suspended,
    Unavailable,
)
from accounts.rest import ErrorBody, error_example
from chat.api.openai.errors import V1_PREFIX, openai_error
from chat.api.openai.shapes import OpenAIErrorBody
from chat.delivery.endings import ERROR_DETAILS

Operation = dict[str, Any]

DESCRIPTION = """\
Accounts, conversations and streamed replies of a self-hosted EuGPT.

* **Errors** are `{"detail", "code", …}`: `code` is a stable word, `detail` a sentence for people.
  Those below /v1 have OpenAI's shape.
* **Paths** answer with and without a trailing slash. A method that a path does not have is
  `405 method_not_allowed` with an `Allow` header, an unknown path `404 not_found`.
* **Bodies** are JSON of at most 64 KiB (an import: 8 MB, a kept chat: 4 MB); fields that are not
  known are refused.
* **Streams** are server-sent events or messages of the WebSocket `/ws/chat/`. Both are described as
  JSON Schema at [/api/schema/events](/api/schema/events).
"""

TAGS = {
    "auth": "Accounts and sessions. An access token lives 10 minutes; the refresh token is in a "
    "cookie that browsers send to these routes only.",
    "chat": "Prompts, their replies as event streams, and the life of one generation.",
    "conversations": "Stored chats of a member: trees of messages, of which one branch is shown.",
    "keys": "API keys for /v1.",
    "openai": "What OpenAI's clients expect. Signed in with an API key.",
    "system": "State of the server and this description.",
}

_DESCRIPTIONS: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: "The request is not valid.",
    HTTPStatus.UNAUTHORIZED: "Not signed in, or not any more.",
    HTTPStatus.FORBIDDEN: "Not for this account, or sent by another site.",
    HTTPStatus.NOT_FOUND: "Not there, or not yours.",
    HTTPStatus.CONFLICT: "Not in this state.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not JSON.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too much at once; see Retry-After.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Busy, or a part is down; see Retry-After.",
}


class TooLarge(ApiError):
    """Said by `eugpt.body_cap`, in front of Django."""

    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_detail = "The request body is too large."
    default_code = "too_large"
    example = {"limit_bytes": settings.API_BODY_MAX_BYTES}


class UnsupportedMediaType(ApiError):
    status_code = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    default_detail = 'Unsupported media type "text/plain" in request.'
    default_code = "unsupported_media_type"


class Internal(ApiError):
    """What `error_describe` says of what nobody foresaw."""

    status_code = HTTPStatus.INTERNAL_SERVER_ERROR
    default_detail = "Something went wrong on our side."
    default_code = "internal"


class DeadlineExceeded(ApiError):
    """How a reply may end that /v1 answers as a whole."""

    status_code = HTTPStatus.GATEWAY_TIMEOUT
    default_detail = ERROR_DETAILS["deadline_exceeded"]
    default_code = "deadline_exceeded"


@dataclass(frozen=True)
class _Shape:
    """How the errors of a part of the API look, and what its usual ones are."""

    prefix: str
    component: str
    body: Callable[[ErrorInfo], dict[str, Any]]
    usual: dict[int, type[ApiError]]

    @property
    def schema(self) -> dict[str, str]:
        return {"$ref": f"#/components/schemas/{self.component}"}

    def example(self, error: type[ApiError]) -> dict[str, Any]:
        example = error_example(error)
        return {example.name: {"value": self.body(ErrorInfo(error.status_code, example.value))}}


_USUAL: dict[int, type[ApiError]] = {
    error.status_code: error
    for error in (
        Invalid, NotAuthenticated, Suspended, NotFound, TooLarge, UnsupportedMediaType, RateLimited,
        Unavailable,
    )
}  # fmt: skip
_OWN = _Shape("", ErrorBody.__name__, lambda info: info.body, _USUAL)
_OPENAI = _Shape(
    "OpenAI",
    OpenAIErrorBody.__name__,
    openai_error,
    _USUAL | {error.status_code: error for error in (InvalidApiKey, Internal, DeadlineExceeded)},
)
_RETRY = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
}
_HEADERS: dict[int, dict[str, Any]] = {
    HTTPStatus.UNAUTHORIZED: {
        "WWW-Authenticate": {"description": "How to sign in.", "schema": {"type": "string"}}
    },
    HTTPStatus.TOO_MANY_REQUESTS: _RETRY,
    HTTPStatus.SERVICE_UNAVAILABLE: _RETRY,
}


def complete(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """The hook: takes the generated schema and gives it back complete."""
    result["info"]["description"] = DESCRIPTION
    result["components"]["securitySchemes"] |= _cookie_scheme()
    result["components"]["responses"] = {
        shape.prefix + error.__name__: _error_response(shape, status)
        for shape in (_OWN, _OPENAI)
        for status, error in shape.usual.items()
    }
    used = set()
    for path, operation in _operations(result):
        used.update(operation.get("tags", ()))
        _summarise(operation)
        shape = _OPENAI if path.startswith(V1_PREFIX) else _OWN
        responses = operation["responses"]
        for usual in _usual_statuses(path, operation):
            responses.setdefault(str(usual.value), {})
        for status, response in responses.items():
            responses[status] = _completed(shape, int(status), response)
        operation["responses"] = dict(sorted(responses.items()))
    result["tags"] = [{"name": name, "description": TAGS[name]} for name in TAGS if name in used]
    return result


def _operations(result: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    for path, item in result["paths"].items():
        for operation in item.values():
            yield path, operation


def _summarise(operation: Operation) -> None:
    """The first sentence of the view's docstring; a list of routes is read by it."""
    text = operation.get("description", "").strip()
    if "summary" not in operation and text:
        first, _, rest = text.partition("\n\n")
        operation["summary"] = " ".join(first.split()).removesuffix(".")
        operation["description"] = rest or text


def _usual_statuses(path: str, operation: Operation) -> Iterable[HTTPStatus]:
    if "requestBody" in operation:
        yield HTTPStatus.BAD_REQUEST
        yield HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        yield HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    if any(parameter["in"] == "query" for parameter in operation.get("parameters", ())):
        yield HTTPStatus.BAD_REQUEST
    if any({"bearer", "apiKey"} & set(scheme) for scheme in operation.get("security", ())):
        yield HTTPStatus.UNAUTHORIZED
        yield HTTPStatus.FORBIDDEN
    if "{" in path:
        yield HTTPStatus.NOT_FOUND
    if "system" not in operation.get("tags", ()):
        yield HTTPStatus.SERVICE_UNAVAILABLE


def _completed(shape: _Shape, status: int, response: dict[str, Any]) -> dict[str, Any]:
    """Shape, examples, description and headers of an error; other answers get a description."""
    description = response.get("description")
    body = response.get("content", {}).get("application/json", {"schema": shape.schema})
    if status < HTTPStatus.BAD_REQUEST or body["schema"] != shape.schema:
        return {**response, "description": description or _phrase(status)}
    is_usual = not (description or "examples" in body or "headers" in response)
    if is_usual and status in shape.usual:
        return {"$ref": f"#/components/responses/{shape.prefix}{shape.usual[status].__name__}"}
    error = _error_response(shape, status, description, body.get("examples"))
    if headers := {**response.get("headers", {}), **error.get("headers", {})}:
        error["headers"] = headers
    return error


def _error_response(
    shape: _Shape,
    status: int,
    description: str | None = None,
    examples: dict[str, Any] | None = None,
) -> dict[str, Any]:
    if examples is None and status in shape.usual:
        examples = shape.example(shape.usual[status])
    body = {"schema": shape.schema, **({"examples": examples} if examples else {})}
    headers = _HEADERS.get(status)
    return {
        "description": description or _DESCRIPTIONS.get(status) or _phrase(status),
        "content": {"application/json": body},
        **({"headers": headers} if headers else {}),
    }


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase


def _cookie_scheme() -> dict[str, Any]:
    return {
        "refreshCookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.REFRESH_COOKIE_NAME,
            "description": "Set by register, login and refresh; HttpOnly, so that only a browser "
            "holds it.",
        }
    }
