"""A span for each HTTP request, named by its route: an address may hold what opens a share."""

from __future__ import annotations

from typing import Any

from accounts.spans import span

_UNTOLD = ("/livez", "/static/", "/_next/", "/api/health")


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestSpans:
    """ASGI, below what notes the route (`eugpt.metrics.http`); a stream's span lasts to its end."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"].startswith(_UNTOLD):
            await self.application(scope, receive, send)
            return
        status = 0

        async def send_noted(message: dict[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        with span("HTTP request") as told:
            try:
                await self.application(scope, receive, send_noted)
            finally:
                if told is not None:
                    route = scope.get("eugpt.route", ("",))[0]
                    method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
                    told.update_name(f"{method} {route}".strip())
                    told.set_attribute("http.request.method", method)
                    told.set_attribute("http.route", route)
                    told.set_attribute("http.response.status_code", status)
