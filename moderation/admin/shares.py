"""Public copies of conversations."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from chat.models import Share
from moderation.admin.base import TRANSCRIPT_MAX_MESSAGES, ReadOnlyAdmin, link, transcript


@admin.register(Share)
class ShareAdmin(ReadOnlyAdmin):
    """To see what is public, and to take it back by deleting it."""

    list_display = ["title", "username", "created_at", "expires_at"]
    list_filter = ["created_at", "expires_at"]
    list_select_related = ["conversation__user"]
    search_fields = ["slug__exact", "title", "conversation__user__username"]
    search_help_text = "Slug, title or username"
    ordering = ["-id"]
    fields = ["title", "conversation_link", "slug", "created_at", "expires_at", "transcript"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Share]:
        rows: QuerySet[Share] = super().get_queryset(request)
        return rows.defer("messages", "conversation__search")

    @admin.display(description="user")
    def username(self, share: Share) -> str:
        return share.conversation.user.username

    @admin.display(description="conversation")
    def conversation_link(self, share: Share) -> SafeString | str:
        return link(share.conversation)

    @admin.display(description="shared")
    def transcript(self, share: Share) -> SafeString:
        messages = share.messages[:TRANSCRIPT_MAX_MESSAGES]
        return transcript((m["role"], m["created_at"], m["content"]) for m in messages)
