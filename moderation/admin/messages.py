"""Messages: searched, led to in their conversation, hidden and deleted; not edited.

The list shows no text, but for what a search found; searching and reading need the right to read
private conversations, and both are written down.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from chat.models import Message, Role
from chat.search import TextSearch
from chat.services.hiding import message_hide, message_unhide
from chat.services.messages import messages_below, messages_delete
from moderation.admin.base import ReadOnlyAdmin
from moderation.admin.belongings import Belongings
from moderation.admin.filters import HiddenFilter
from moderation.admin.lists import badge, moment
from moderation.admin.posts import Posts
from moderation.deletion import CountedDeletion
from moderation.reading import MAY_READ, messages_found, search_record

WORDS_MAX_CHARS = 200


@admin.register(Message)
class MessageAdmin(Posts, Belongings, CountedDeletion, ReadOnlyAdmin):
    owner_path = "conversation.user"

    class Media:
        css = {"all": ["moderation/reading.css"]}

    list_display = ["found", "kind", "conversation", "username", "created"]
    list_display_links = ["found"]
    sortable_by = ()
    list_filter = [HiddenFilter, "role", "created_at"]
    list_select_related = ["conversation__user"]
    search_fields = ["content"]
    search_help_text = "Words (that you search is written down, the words are not)"
    ordering = ["-id"]
    posts = {"hide": "chat.hide_message", "unhide": "chat.hide_message"}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the index of words; who may not read may not search."""
        words = search_term[:WORDS_MAX_CHARS].strip()
        request.searched = TextSearch.parse(words) if words else None  # type: ignore[attr-defined]
        if not words:
            return queryset, False
        if not request.user.has_perm(MAY_READ):
            raise PermissionDenied
        if not getattr(request, "is_search_recorded", False):
            search_record(request)
            request.is_search_recorded = True  # type: ignore[attr-defined]
        return messages_found(queryset, words), False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None) or {}
        if "cl" in context and (search := getattr(request, "searched", None)) is not None:
            for message in context["cl"].result_list:
                message.found_segments = search.snippet(message.content)
        return response

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A message is read where it stands."""
        message = self.get_object(request, object_id)
        is_read = request.method != "POST" and message is not None
        if not is_read or not self.has_view_permission(request):
            return super().change_view(request, object_id, form_url, extra_context)
        assert message is not None
        place = reverse("admin:chat_conversation_change", args=[message.conversation_id])
        return HttpResponseRedirect(f"{place}?at={message.pk}#m{message.pk}")

    def post_hide(self, request: HttpRequest, message: Message) -> str:
        self.check_row(request, message)
        hidden = message_hide(message=message)
        if not hidden:
            return "It was hidden already."
        self.audit(request, "hide", message, {"hidden": hidden})
        more = f", with {len(hidden) - 1} that begin with its words" if hidden[1:] else ""
        return f"Hidden{more}: only staff reads it now."

    def post_unhide(self, request: HttpRequest, message: Message) -> str:
        self.check_row(request, message)
        if not message_unhide(message=message):
            return "It was not hidden."
        self.audit(request, "unhide", message)
        return "Shown again."

    def objects_with(self, objs: Iterable[Message]) -> QuerySet[Message]:
        """With the messages, all that was answered to them."""
        return Message.objects.filter(pk__in=messages_below(objs))

    def delete_model(self, request: HttpRequest, obj: Message) -> None:
        messages_delete(messages=[obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        messages_delete(messages=queryset)

    @admin.display(description="text")
    def found(self, message: Message) -> SafeString | str:
        """What a search found, the match marked; else only how long it is."""
        segments = getattr(message, "found_segments", None)
        if segments is None:
            return f"{len(message.content)} characters"
        parts = ((("mark" if part.is_match else "span"), part.text) for part in segments)
        return format_html_join("", "<{0}>{1}</{0}>", parts)

    @admin.display(description="user")
    def username(self, message: Message) -> str:
        return message.conversation.user.username

    @admin.display(description="kind")
    def kind(self, message: Message) -> SafeString:
        name = "Prompt" if message.role == Role.USER else "Reply"
        hidden = badge("Hidden", "bad", "eye-off") if message.is_hidden else ""
        return format_html("<span>{} {}</span>", name, hidden)

    @admin.display(description="written")
    def created(self, message: Message) -> SafeString:
        return moment(message.created_at)
