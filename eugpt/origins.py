"""Which web sites may open a WebSocket."""

from typing import Any
from urllib.parse import urlparse

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.security.websocket import OriginValidator

FOREIGN_ORIGIN_CLOSE = 4403


class _ForeignOriginConsumer(AsyncWebsocketConsumer):
    """Accepts, then closes with a code: a refused handshake would look like a network failure."""

    async def connect(self) -> None:
        await self.accept()
        await self.close(code=FOREIGN_ORIGIN_CLOSE)


class OriginGate(OriginValidator):
    """Lets allowed origins through, and clients without one, which are no browsers.

    That is safe because a socket proves its user with a ticket, never with a cookie.
    """

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        origin = dict(scope["headers"]).get(b"origin")
        if origin is None or self._is_allowed(origin.decode("latin1")):
            return await self.application(scope, receive, send)
        return await _ForeignOriginConsumer.as_asgi()(scope, receive, send)

    def _is_allowed(self, origin: str) -> bool:
        try:
            return bool(self.validate_origin(urlparse(origin)))
        except ValueError:  # a port that is no number
            return False
