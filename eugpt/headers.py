"""The security headers of every answer, whoever gives it: files, Django, the admin, refusals.

An answer that sets one of them itself keeps its own: the pages their hashes, `/api/docs` what
Swagger UI needs. deploy/Caddyfile says the same for the files that it serves.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from eugpt.middleware import ADMIN_PREFIX
from eugpt.static_site import PERMISSIONS

HSTS = "max-age=31536000"
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
ADMIN = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
PERSONAL_PREFIXES = ("/api", "/v1", ADMIN_PREFIX)
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS,
    "Cross-Origin-Opener-Policy": "same-origin",
    # An API client in a page of another origin uses CORS, which this does not touch.
    "Cross-Origin-Resource-Policy": "same-origin",
}
# The policy of a script counts for the workers made of it, and of these the page decides.
_UNRULED_TYPES = ("text/javascript", "application/javascript", "text/css", "font/", "image/")
_RULED_IMAGE = "image/svg"


class SecurityHeaders:
    """ASGI: adds what is missing to the head of each answer."""

    def __init__(self, application: Any, *, has_hsts: bool) -> None:
        self.application = application
        self.has_hsts = has_hsts

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return

        async def send_secured(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                missing = self._missing(scope, headers, status=message["status"])
                message = {**message, "headers": headers + missing}
            await send(message)

        await self.application(scope, receive, send_secured)

    def _missing(
        self, scope: Any, headers: list[tuple[bytes, bytes]], *, status: int
    ) -> list[tuple[bytes, bytes]]:
        said = {name.lower(): value for name, value in headers}
        wanted = dict(ALWAYS)
        path, kind = scope["path"], said.get(b"content-type", b"").decode("latin1")
        # What a 304 says replaces what the browser has: a page would lose its own policy.
        is_ruled = status != HTTPStatus.NOT_MODIFIED and (
            _RULED_IMAGE in kind or not kind.startswith(_UNRULED_TYPES)
        )
        if is_ruled:
            wanted["Content-Security-Policy"] = ADMIN if path.startswith(ADMIN_PREFIX) else NOTHING
        if path.startswith(PERSONAL_PREFIXES):
            wanted["Cache-Control"] = "no-store"
        if self.has_hsts and scope["scheme"] == "https":
            wanted["Strict-Transport-Security"] = HSTS
        encoded = ((name.lower().encode(), value.encode()) for name, value in wanted.items())
        return [(name, value) for name, value in encoded if name not in said]
