"""Requests by route template, counted around the whole web application.

The template ("api/conversations/<int:pk>") is what Django's resolver says: what people put into an
address never becomes a label. What never reaches a route has the names below.
"""

from __future__ import annotations

import time
from inspect import iscoroutinefunction
from typing import Any, cast

from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware
from prometheus_client import Counter, Histogram

from chat.metrics import WEB
from chat.tally import Tally
from eugpt.middleware import AsyncHandler, SyncHandler

_SCOPE_KEY = "eugpt.route"
# A file of the page, or a body that was refused before Django; an address that is no route.
FILE, NO_ROUTE = "(file)", "(none)"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

REQUESTS = Counter(
    "eugpt_http_requests",
    "Requests that were answered",
    ["method", "route", "status_class"],
    registry=WEB,
)
SECONDS = Histogram(
    "eugpt_http_request_seconds",
    "From a request to the head of its answer; a stream's body takes as long as its reply",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=WEB,
)
LOOP_LAG = Tally(
    "eugpt_event_loop_lag_seconds",
    "How late the event loop is with a timer, looked at every second",
    (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
    WEB,
)


class HttpMetrics:
    """ASGI: counts each answer when its head goes out."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        began = time.perf_counter()
        route = [FILE]  # layers below copy the scope, but not this

        async def send_counted(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                _count(scope["method"], route[0], message["status"], time.perf_counter() - began)
            await send(message)

        await self.application({**scope, _SCOPE_KEY: route}, receive, send_counted)


def _count(method: str, route: str, status: int, seconds: float) -> None:
    known = method if method in _METHODS else "OTHER"
    REQUESTS.labels(known, route, f"{status // 100}xx").inc()
    SECONDS.labels(route).observe(seconds)


def _note_route(request: HttpRequest) -> None:
    """Tell the layer above which route it was."""
    route = getattr(request, "scope", {}).get(_SCOPE_KEY)
    if route is not None:
        found = request.resolver_match
        route[0] = (found.route or "/") if found else NO_ROUTE


@sync_and_async_middleware
def route_middleware(get_response: SyncHandler | AsyncHandler) -> SyncHandler | AsyncHandler:
    """The outermost middleware: whoever answers, the route is known by then, or there is none."""
    if iscoroutinefunction(get_response):

        async def call_async(request: HttpRequest) -> Any:
            response = await cast("AsyncHandler", get_response)(request)
            _note_route(request)
            return response

        return call_async

    def call_sync(request: HttpRequest) -> Any:
        response = cast("SyncHandler", get_response)(request)
        _note_route(request)
        return response

    return call_sync
