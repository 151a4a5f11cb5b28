"""WebSocket routes of chat."""

from typing import Any

websocket_urlpatterns: list[Any] = []
