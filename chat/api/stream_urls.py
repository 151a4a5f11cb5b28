"""Streaming routes of chat under /api."""

from django.urls import URLPattern, URLResolver, path

from chat.api.context import DetachedContextView
from chat.api.quota import QuotaView
from chat.api.stream import (
    BranchView,
    ChatView,
    ContinueView,
    EditView,
    GenerationCancelView,
    GenerationStreamView,
    GenerationView,
    GuestChatView,
    RegenerateView,
)
from chat.api.traces import TraceView

urlpatterns: list[URLPattern | URLResolver] = [
    path("chat", ChatView.as_view(), name="chat"),
    path("chat/context", DetachedContextView.as_view(), name="chat_context"),
    path("quota", QuotaView.as_view(), name="quota"),
    path("chat/guest", GuestChatView.as_view(), name="chat_guest"),
    path("messages/<int:message_id>/regenerate", RegenerateView.as_view(), name="regenerate"),
    path("messages/<int:message_id>/edit", EditView.as_view(), name="edit"),
    path("messages/<int:message_id>/continue", ContinueView.as_view(), name="continue"),
    path("messages/<int:message_id>/branch", BranchView.as_view(), name="branch"),
    path("messages/<int:message_id>/trace", TraceView.as_view(), name="trace"),
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
