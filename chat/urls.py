"""Routes of chat under /api. Streaming routes are a list of their own, beside the views."""

from django.urls import path

from chat.api.context import ContextView
from chat.api.conversations import ConversationsView, ConversationView
from chat.api.stream_urls import urlpatterns as stream_urlpatterns

app_name = "chat"

urlpatterns = [
    path("conversations", ConversationsView.as_view(), name="conversations"),
    path("conversations/<int:conversation_id>", ConversationView.as_view(), name="conversation"),
    path("conversations/<int:conversation_id>/context", ContextView.as_view(), name="context"),
    *stream_urlpatterns,
]
