"""Conversations: found and read, not edited."""

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.safestring import SafeString

from chat.models import Conversation
from chat.services.conversations import conversation_delete
from moderation.admin.base import TRANSCRIPT_MAX_MESSAGES, ReadOnlyAdmin, link, transcript
from moderation.deletion import CountedDeletion


@admin.register(Conversation)
class ConversationAdmin(CountedDeletion, ReadOnlyAdmin):
    list_display = ["title", "user", "message_total", "pinned", "archived", "updated_at"]
    list_filter = ["archived", "pinned", "updated_at"]
    list_select_related = ["user"]
    search_fields = ["title", "user__username"]
    search_help_text = "Title or username"
    ordering = ["-updated_at", "-id"]
    fields = [
        "title",
        "owner",
        "created_at",
        "updated_at",
        "pinned",
        "archived",
        "transcript",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        totals = (
            Conversation.objects.filter(pk=OuterRef("pk"))
            .annotate(total=Count("messages"))
            .values("total")
        )
        rows: QuerySet[Conversation] = super().get_queryset(request)
        return rows.annotate(message_count=Subquery(totals))

    def delete_model(self, request: HttpRequest, obj: Conversation) -> None:
        conversation_delete(conversation=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> None:
        for conversation in queryset:
            conversation_delete(conversation=conversation)

    @admin.display(description="messages", ordering="message_count")
    def message_total(self, conversation: Conversation) -> int:
        return int(getattr(conversation, "message_count", 0))

    @admin.display(description="user")
    def owner(self, conversation: Conversation) -> SafeString | str:
        return link(conversation.user)

    @admin.display(description="transcript")
    def transcript(self, conversation: Conversation) -> SafeString:
        """All messages in the order they were written, branches included."""
        messages = conversation.messages.order_by("id")[:TRANSCRIPT_MAX_MESSAGES]
        return transcript(
            (message.role, message.created_at.strftime("%Y-%m-%d %H:%M"), message.content)
            for message in messages
        )
