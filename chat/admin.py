"""Conversations, messages and generations in the admin: to find and read, not to edit."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Count, Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from accounts.deletion import CountedDeletion
from chat.models import Conversation, Feedback, Generation, Message, Report, Share
from chat.services.conversations import conversation_delete
from chat.services.messages import messages_below, messages_delete

TRANSCRIPT_MAX_MESSAGES = 500
PREVIEW_CHARS = 90


if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(ModelAdmin):
    """Rows that people may look at and, with the right, delete; the application writes them."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_view_permission(request, obj) or super().has_change_permission(
            request, obj
        )


def _link(instance: Model | None) -> SafeString | str:
    if instance is None:
        return "-"
    meta = instance._meta
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[instance.pk])
    return format_html('<a href="{}">{}</a>', address, str(instance))


def _transcript(rows: Iterable[tuple[str, str, str]]) -> SafeString:
    """Role, time and text of each message."""
    row = (
        '<p style="margin:0 0 1em;max-width:52em"><strong>{}</strong> <small>{}</small><br>'
        '<span style="white-space:pre-wrap">{}</span></p>'
    )
    return format_html_join("", row, rows) or SafeString("No messages.")


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
        return _link(conversation.user)

    @admin.display(description="transcript")
    def transcript(self, conversation: Conversation) -> SafeString:
        """All messages in the order they were written, branches included."""
        messages = conversation.messages.order_by("id")[:TRANSCRIPT_MAX_MESSAGES]
        return _transcript(
            (message.role, message.created_at.strftime("%Y-%m-%d %H:%M"), message.content)
            for message in messages
        )


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
        return _link(message.conversation)


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
        return _link(share.conversation)

    @admin.display(description="shared")
    def transcript(self, share: Share) -> SafeString:
        messages = share.messages[:TRANSCRIPT_MAX_MESSAGES]
        return _transcript((m["role"], m["created_at"], m["content"]) for m in messages)


class _SaidOfMessageAdmin(ReadOnlyAdmin):
    """What a member has said of a message."""

    list_select_related = ["message"]
    ordering = ["-updated_at", "-id"]

    @admin.display(description="reply")
    def preview(self, row: Feedback | Report) -> str:
        return Truncator(row.message.content).chars(PREVIEW_CHARS) if row.message else "-"

    @admin.display(description="message")
    def message_link(self, row: Feedback | Report) -> SafeString | str:
        return _link(row.message)


@admin.register(Feedback)
class FeedbackAdmin(_SaidOfMessageAdmin):
    list_display = ["id", "rating", "preview", "comment", "user", "updated_at"]
    list_filter = ["rating", "updated_at"]
    list_select_related = ["message", "user"]
    search_fields = ["comment", "message__content", "user__username"]
    search_help_text = "Comment, text of the reply or username"
    fields = ["message_link", "preview", "user", "rating", "comment", "created_at", "updated_at"]


@admin.register(Report)
class ReportAdmin(_SaidOfMessageAdmin):
    """The copy of the text is shown: the message may say something else by now, or be gone."""

    list_display = ["id", "state", "reason", "reported", "comment", "reporter", "updated_at"]
    list_filter = ["state", "reason", "updated_at"]
    list_select_related = ["reporter"]
    search_fields = ["text", "comment", "note", "reporter__username"]
    search_help_text = "Reported text, comment, note or username"
    fields = [
        "message_link",
        "text",
        "reporter",
        "reason",
        "comment",
        "state",
        "note",
        "created_at",
        "updated_at",
    ]

    @admin.display(description="reported text")
    def reported(self, report: Report) -> str:
        return Truncator(report.text).chars(PREVIEW_CHARS) or "(empty)"


@admin.register(Generation)
class GenerationAdmin(ReadOnlyAdmin):
    list_display = [
        "id",
        "status",
        "finish_reason",
        "model",
        "user",
        "queue_s",
        "first_token_s",
        "total_s",
        "completion_tokens",
        "attempt",
        "queued_at",
    ]
    list_filter = ["status", "finish_reason", "model", "queued_at"]
    list_select_related = ["user"]
    search_fields = ["id__iexact", "user__username", "worker_id", "error_code"]
    search_help_text = "Id, username, worker or error code"
    ordering = ["-queued_at"]
    exclude = ["owner_key", "client_id"]

    @admin.display(description="queue s")
    def queue_s(self, generation: Generation) -> str:
        return _seconds(generation.queued_at, generation.started_at)

    @admin.display(description="first token s")
    def first_token_s(self, generation: Generation) -> str:
        return _seconds(generation.queued_at, generation.first_token_at)

    @admin.display(description="total s")
    def total_s(self, generation: Generation) -> str:
        return _seconds(generation.queued_at, generation.finished_at)


def _seconds(begin: Any, end: Any) -> str:
    return "-" if begin is None or end is None else f"{(end - begin).total_seconds():.2f}"
