"""A span for each HTTP request, named by its route: an address may hold what opens a share."""

from __future__ import annotations

from typing import Any

from accounts.spans import span

_UNTOLD = ("/livez", "/static/", "/_next/", "/api/health")


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_IDS = {
    b"x-generation-id": "eugpt.generation_id",
    b"x-conversation-id": "eugpt.conversation_id",
}


class RequestSpans:
    """ASGI, below what notes the route (`eugpt.metrics.http`); a stream's span lasts to its end."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"].startswith(_UNTOLD):
            await self.application(scope, receive, send)
            return
        facts: dict[str, Any] = {}

        async def send_noted(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                facts["http.response.status_code"] = message["status"]
                # Django answers in a task of its own, whose context does not come back.
                facts.update(
                    (_IDS[name.lower()], value.decode())
                    for name, value in message.get("headers", ())
                    if name.lower() in _IDS
                )
            await send(message)

        with span("HTTP request") as told:
            try:
                await self.application(scope, receive, send_noted)
            finally:
                if told is not None:
                    route = scope.get("eugpt.route", ("",))[0]
                    method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
                    told.update_name(f"{method} {route}".strip())
                    facts |= {"http.request.method": method, "http.route": route}
                    told.set_attributes(facts)
