"""Messages: found and read, not edited."""

from collections.abc import Iterable

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from chat.models import Message
from chat.services.messages import messages_below, messages_delete
from moderation.admin.base import (
    PREVIEW_CHARS,
    ReadOnlyAdmin,
    link,
)
from moderation.deletion import CountedDeletion


@admin.register(Message)
class MessageAdmin(CountedDeletion, ReadOnlyAdmin):
    list_display = ["id", "preview", "role", "conversation", "username", "created_at"]
    list_filter = ["role", "created_at"]
    list_select_related = ["conversation__user"]
    search_fields = ["content", "conversation__user__username"]
    search_help_text = "Text or username"
    ordering = ["-id"]
    fields = ["role", "content", "conversation_link", "created_at", "parent"]

    def objects_with(self, objs: Iterable[Message]) -> QuerySet[Message]:
        """With the messages, all that was answered to them."""
        return Message.objects.filter(pk__in=messages_below(objs))

    def delete_model(self, request: HttpRequest, obj: Message) -> None:
        messages_delete(messages=[obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        messages_delete(messages=queryset)

    @admin.display(description="content")
    def preview(self, message: Message) -> str:
        return Truncator(message.content).chars(PREVIEW_CHARS) or "(empty)"

    @admin.display(description="user")
    def username(self, message: Message) -> str:
        return message.conversation.user.username

    @admin.display(description="conversation")
    def conversation_link(self, message: Message) -> SafeString | str:
        return link(message.conversation)
