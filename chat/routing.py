"""WebSocket routes of chat."""

from typing import Any

from django.urls import re_path

from chat.consumers import ChatConsumer

websocket_urlpatterns: list[Any] = [re_path(r"^ws/chat/?$", ChatConsumer.as_asgi())]
