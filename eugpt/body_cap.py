"""ASGI wrapper that bounds request bodies before Django spools them to disk."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from asgiref.typing import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    HTTPScope,
    Scope,
)

from accounts.errors import ErrorInfo
from eugpt.errors import error_body

API_PREFIXES = ("/api", "/v1")
# Up to this the rest of a refused body is read and thrown away before the answer: who still writes
# would find the connection closed, and a proxy would take this process for a dead one.
_DRAINED_BYTES = 9_000_000
_DRAIN_S = 10
_PAUSE_S = 0.5
TOO_LARGE = {"detail": "The request body is too large.", "code": "too_large"}


class BodyCap:
    """Answers 413 when a body is larger than `api_bytes` (API) or `other_bytes` (admin forms).

    `larger` names paths that may take more.
    Counts what arrives, so a missing or false Content-Length changes nothing. Responses pass
    through untouched, streamed ones included.
    """

    def __init__(
        self,
        application: ASGI3Application,
        *,
        api_bytes: int,
        other_bytes: int,
        larger: Mapping[str, int] | None = None,
    ) -> None:
        self.application = application
        self.api_bytes = api_bytes
        self.other_bytes = other_bytes
        self.larger = larger or {}

    def limit(self, path: str) -> int:
        """The most bytes that a body sent to this path may have."""
        usual = self.api_bytes if path.startswith(API_PREFIXES) else self.other_bytes
        return self.larger.get(path.rstrip("/"), usual)

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        limit = self.limit(scope["path"])
        announced = _announced_bytes(scope)
        if announced > limit:
            if announced <= _DRAINED_BYTES:
                await _drain(receive, announced)
            await _refuse(send, scope["path"], limit)
            return
        counter = _Counter(receive, limit)
        await self.application(scope, counter, send)
        if counter.is_over:
            if not counter.is_complete:
                await _drain(receive, _DRAINED_BYTES)
            await _refuse(send, scope["path"], limit)


class _Counter:
    """`receive` that hangs up on Django at the limit: Django then drops what it has spooled."""

    def __init__(self, receive: ASGIReceiveCallable, limit: int) -> None:
        self.receive = receive
        self.bytes_left = limit
        self.is_over = self.is_complete = False

    async def __call__(self) -> ASGIReceiveEvent:
        message = await self.receive()
        if message["type"] == "http.request":
            self.bytes_left -= len(message.get("body", b""))
            self.is_complete = not message.get("more_body")
        if self.bytes_left >= 0:
            return message
        self.is_over = True
        return {"type": "http.disconnect"}


def _announced_bytes(scope: HTTPScope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


async def _drain(receive: ASGIReceiveCallable, most_bytes: int) -> None:
    """Read what is left of a body, as much as comes in time and without a pause."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_S):
            while most_bytes > 0:
                message = await asyncio.wait_for(receive(), _PAUSE_S)
                if message["type"] != "http.request" or not message.get("more_body"):
                    return
                most_bytes -= len(message.get("body", b""))


async def _refuse(send: ASGISendCallable, path: str, limit: int) -> None:
    info = ErrorInfo(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {**TOO_LARGE, "limit_bytes": limit})
    body = json.dumps(error_body(path, info)).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    start: dict[str, Any] = {"type": "http.response.start", "status": 413, "headers": headers}
    await send(start)  # type: ignore[arg-type]
    await send({"type": "http.response.body", "body": body, "more_body": False})
