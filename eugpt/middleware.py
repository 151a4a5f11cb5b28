"""Request middleware of the project: async-capable and blind to response bodies.

Under ASGI, Django runs each hook of a synchronous middleware in a thread: a dozen hops a request,
most of them for hooks that set a header. Hooks that only compute run inline here, and what only
the admin needs (session, user, messages, CSRF of forms) is skipped elsewhere: the API knows
its user by a bearer token.
"""

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any, cast

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils.decorators import sync_and_async_middleware

SLASHLESS_PREFIXES = ("/api/", "/v1/", "/livez/", "/metrics/")
ADMIN_PREFIX = "/admin/"

SyncHandler = Callable[[HttpRequest], HttpResponseBase]
AsyncHandler = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


def _drop_slash(request: HttpRequest) -> None:
    path = request.path_info
    if path.endswith("/") and path.startswith(SLASHLESS_PREFIXES):
        request.path_info = path.rstrip("/")


@sync_and_async_middleware
def api_slash_middleware(get_response: SyncHandler | AsyncHandler) -> SyncHandler | AsyncHandler:
    """Answer every API route with and without a trailing slash; routes are written without."""
    if iscoroutinefunction(get_response):

        async def call_async(request: HttpRequest) -> HttpResponseBase:
            _drop_slash(request)
            return await cast("AsyncHandler", get_response)(request)

        return call_async

    def call_sync(request: HttpRequest) -> HttpResponseBase:
        _drop_slash(request)
        return cast("SyncHandler", get_response)(request)

    return call_sync


class _Inline:
    """Runs `process_request` and `process_response` on the event loop: they do no I/O."""

    get_response: Any

    async def __acall__(self, request: HttpRequest) -> Any:
        hooks: Any = self
        response = hooks.process_request(request) if hasattr(self, "process_request") else None
        response = response or await self.get_response(request)
        return hooks.process_response(request, response)


class InlineSecurityMiddleware(_Inline, SecurityMiddleware):
    pass


class InlineCommonMiddleware(_Inline, CommonMiddleware):
    pass


class InlineXFrameOptionsMiddleware(_Inline, XFrameOptionsMiddleware):
    pass


class _AdminOnly:
    """Passes requests outside the admin straight on."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith(ADMIN_PREFIX):
            return super().__call__(request)  # type: ignore[misc]
        return self.get_response(request)


class AdminSessionMiddleware(_AdminOnly, SessionMiddleware):
    pass


class AdminAuthenticationMiddleware(_AdminOnly, AuthenticationMiddleware):
    pass


class AdminMessageMiddleware(_AdminOnly, MessageMiddleware):
    pass


class AdminCsrfMiddleware(_AdminOnly, CsrfViewMiddleware):
    """Views of the API are exempt by DRF, so only the admin's forms carry a CSRF token.

    Views outside the admin still fail closed: an unsafe request to one that is not exempt is
    refused, as it has no token.
    """

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        if self.async_mode:
            # Else Django would hop to a thread for every view, to find it exempt.
            self.process_view = self._process_view_inline  # type: ignore[assignment,method-assign]

    async def _process_view_inline(self, *args: Any) -> Any:
        return super().process_view(*args)
