"""Request middleware of the project: async-capable and blind to response bodies."""

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import cast

from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

SLASHLESS_PREFIXES = ("/api/", "/v1/", "/livez/", "/metrics/")

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
