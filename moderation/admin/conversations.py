"""Conversations: found, read, hidden and deleted; not edited.

Lists show titles, which are needed to tell conversations apart, and no text. A transcript is shown
to who has the right to read private conversations; `moderation.reading` writes that down.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from chat.models import Conversation
from chat.services.conversations import conversation_delete
from chat.services.hiding import conversation_hide, conversation_unhide
from moderation.admin.base import ReadOnlyAdmin
from moderation.admin.belongings import Belongings
from moderation.admin.filters import HiddenFilter, OwnerFilter, number_of
from moderation.admin.lists import NONE, badge, moment, number
from moderation.admin.posts import Posts
from moderation.deletion import CountedDeletion
from moderation.reading import MAY_READ, hits, reading_record, search_record, transcript_page

_WORDS_MAX_CHARS = 200


@admin.register(Conversation)
class ConversationAdmin(Posts, Belongings, CountedDeletion, ReadOnlyAdmin):
    list_display = ["title", "user", "message_total", "state", "updated"]
    list_filter = [OwnerFilter, HiddenFilter, "archived", "updated_at"]
    sortable_by = ["updated"]
    list_select_related = ["user"]
    search_fields = ["title", "user__username"]
    search_help_text = "Title or username"
    ordering = ["-updated_at", "-id"]
    posts = {"hide": "chat.hide_conversation", "unhide": "chat.hide_conversation"}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        totals = (
            Conversation.objects.filter(pk=OuterRef("pk"))
            .annotate(total=Count("messages"))
            .values("total")
        )
        rows: QuerySet[Conversation] = super().get_queryset(request)
        return rows.annotate(message_count=Subquery(totals))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The transcript: `at` leads to a message, `branch` through one, `find` looks for words."""
        conversation = self.get_object(request, object_id)
        if request.method == "POST" or conversation is None:
            return super().change_view(request, object_id, form_url, extra_context)
        if not self.has_view_permission(request, conversation):
            return super().change_view(request, object_id, form_url, extra_context)
        may_touch = self.may_touch_row(request, conversation)
        context = {
            **self.admin_site.each_context(request),
            "title": conversation.title,
            "opts": self.opts,
            "conversation": conversation,
            "may_read": request.user.has_perm(MAY_READ),
            "may_hide": may_touch and request.user.has_perm("chat.hide_conversation"),
            "may_hide_message": may_touch and request.user.has_perm("chat.hide_message"),
            "may_delete": self.has_delete_permission(request, conversation),
        }
        if context["may_read"]:
            context |= _transcript(request, conversation)
        return TemplateResponse(request, "moderation/conversation.html", context)

    def post_hide(self, request: HttpRequest, conversation: Conversation) -> str:
        self.check_row(request, conversation)
        if not conversation_hide(conversation=conversation):
            return "It was hidden already."
        self.audit(request, "hide", conversation)
        return "Hidden: nobody but staff sees it now."

    def post_unhide(self, request: HttpRequest, conversation: Conversation) -> str:
        self.check_row(request, conversation)
        if not conversation_unhide(conversation=conversation):
            return "It was not hidden."
        self.audit(request, "unhide", conversation)
        return "Shown again."

    def delete_model(self, request: HttpRequest, obj: Conversation) -> None:
        conversation_delete(conversation=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> None:
        for conversation in queryset:
            conversation_delete(conversation=conversation)

    @admin.display(description="messages")
    def message_total(self, conversation: Conversation) -> SafeString:
        return number(int(getattr(conversation, "message_count", 0)))

    @admin.display(description="state")
    def state(self, conversation: Conversation) -> SafeString:
        if conversation.hidden_at is not None:
            return badge("Hidden", "bad", "eye-off")
        return badge("Archived") if conversation.archived else NONE

    @admin.display(description="last words", ordering="updated_at")
    def updated(self, conversation: Conversation) -> SafeString:
        return moment(conversation.updated_at)


def _transcript(request: HttpRequest, conversation: Conversation) -> dict[str, Any]:
    reading_record(request, conversation)
    at = number_of(request.GET.get("at"))
    branch = number_of(request.GET.get("branch"))
    page = transcript_page(
        conversation=conversation, through=at or branch, number=number_of(request.GET.get("page"))
    )
    words = request.GET.get("find", "").strip()[:_WORDS_MAX_CHARS]
    if words:
        search_record(request, conversation)
    return {
        "page": page,
        "at": at,
        "words": words,
        "hits": hits(conversation=conversation, words=words) if words else None,
    }
