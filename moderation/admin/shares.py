"""Public copies of conversations: what strangers see is what is shown here, and taken back."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from chat.models import Share
from chat.selectors import share_messages
from chat.services.shares import share_revoke
from moderation.admin.base import TRANSCRIPT_MAX_MESSAGES, link
from moderation.admin.facts import FactsAdmin, Section
from moderation.admin.lists import badge, moment
from moderation.admin.posts import Posts

_AT_ONCE_MAX = 200


@admin.register(Share)
class ShareAdmin(Posts, FactsAdmin):
    """Public words are not private: no right to read conversations is asked."""

    list_display = ["title", "username", "state", "created", "expires"]
    list_filter = ["created_at", "expires_at"]
    list_select_related = ["conversation__user"]
    search_fields = ["slug__exact", "title", "conversation__user__username"]
    search_help_text = "Slug, title or username"
    ordering = ["-id"]
    actions = ["revoke"]
    posts = {"revoke": "chat.delete_share"}
    facts_template = "moderation/share.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Share]:
        rows: QuerySet[Share] = super().get_queryset(request)
        return rows.defer("messages", "conversation__search")

    def title_of(self, row: Share) -> str:
        return row.title

    def sections_of(self, request: HttpRequest, row: Share) -> list[Section]:
        facts = [
            ("Conversation", link(row.conversation)),
            ("Shared", moment(row.created_at)),
            ("Ends", moment(row.expires_at, "never")),
            ("Slug", row.slug),
        ]
        return [("The share", facts)]

    def more_of(self, request: HttpRequest, row: Share) -> dict[str, Any]:
        return {
            "badge": self.state(row),
            "said": share_messages(share=row)[:TRANSCRIPT_MAX_MESSAGES],
        }

    def post_revoke(self, request: HttpRequest, share: Share) -> str:
        self.audit(request, "revoke", share, {"conversation": share.conversation_id})
        share_revoke(share=share)
        return "Revoked: the address leads nowhere now."

    @admin.action(description="Revoke", permissions=["delete"])
    def revoke(self, request: HttpRequest, shares: QuerySet[Share]) -> None:
        chosen = list(shares[:_AT_ONCE_MAX])
        for share in chosen:
            self.post_revoke(request, share)
        self.message_user(request, f"{len(chosen)} revoked.", messages.SUCCESS)

    @admin.display(description="user")
    def username(self, share: Share) -> str:
        return share.conversation.user.username

    @admin.display(description="state")
    def state(self, share: Share) -> SafeString:
        if share.expires_at is not None and share.expires_at <= timezone.now():
            return badge("Expired")
        return badge("Public", "good")

    @admin.display(description="shared", ordering="created_at")
    def created(self, share: Share) -> SafeString:
        return moment(share.created_at)

    @admin.display(description="ends", ordering="expires_at")
    def expires(self, share: Share) -> SafeString:
        return moment(share.expires_at, "never")
