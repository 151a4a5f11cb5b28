"""Streaming routes of chat under /api."""

from django.urls import URLPattern, URLResolver, path

from chat.api.stream import (
    ChatView,
    GenerationCancelView,
    GenerationStreamView,
    GenerationView,
    GuestChatView,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("chat", ChatView.as_view(), name="chat"),
    path("chat/guest", GuestChatView.as_view(), name="chat_guest"),
    path("generations/<uuid:generation_id>", GenerationView.as_view(), name="generation"),
    path(
        "generations/<uuid:generation_id>/stream",
        GenerationStreamView.as_view(),
        name="generation_stream",
    ),
    path(
        "generations/<uuid:generation_id>/cancel",
        GenerationCancelView.as_view(),
        name="generation_cancel",
    ),
]
