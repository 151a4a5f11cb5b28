"""Routes of conversations and shares under /api."""

from django.urls import URLPattern, URLResolver, path

from chat.api.bulk import BulkView
from chat.api.context import ContextView
from chat.api.conversations import ConversationsView, ConversationView
from chat.api.keep import KeepView
from chat.api.shares import SharedView, SharesView, ShareView
from chat.api.transfer import ExportView, ImportView

_ONE = "conversations/<int:conversation_id>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("conversations", ConversationsView.as_view(), name="conversations"),
    path("conversations/bulk", BulkView.as_view(), name="conversations_bulk"),
    path("conversations/import", ImportView.as_view(), name="conversations_import"),
    path("conversations/keep", KeepView.as_view(), name="conversations_keep"),
    path(_ONE, ConversationView.as_view(), name="conversation"),
    path(f"{_ONE}/context", ContextView.as_view(), name="context"),
    path(f"{_ONE}/export", ExportView.as_view(), name="export"),
    path(f"{_ONE}/share", SharesView.as_view(), name="shares"),
    path(f"{_ONE}/share/<slug:slug>", ShareView.as_view(), name="share"),
    path("shared/<slug:slug>", SharedView.as_view(), name="shared"),
]
