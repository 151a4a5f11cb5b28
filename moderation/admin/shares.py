"""Public copies of conversations: what strangers see is what is shown here, and taken back."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from chat.exports import HIDDEN
from chat.models import Share
from chat.selectors import share_messages
from chat.services.shares import share_revoke
from moderation.admin.base import TRANSCRIPT_MAX_MESSAGES, ReadOnlyAdmin, link, transcript

_AT_ONCE_MAX = 200


@admin.register(Share)
class ShareAdmin(ReadOnlyAdmin):
    """Public words are not private: no right to read conversations is asked."""

    class Media:
        css = {"all": ["moderation/reading.css"]}

    list_display = ["title", "username", "created_at", "expires_at"]
    list_filter = ["created_at", "expires_at"]
    list_select_related = ["conversation__user"]
    search_fields = ["slug__exact", "title", "conversation__user__username"]
    search_help_text = "Slug, title or username"
    ordering = ["-id"]
    actions = ["revoke"]
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
        rows = share_messages(share=share)[:TRANSCRIPT_MAX_MESSAGES]
        return transcript(
            (m["role"], m["created_at"], HIDDEN if m["is_hidden"] else m["content"]) for m in rows
        )

    @admin.action(description="Revoke: the addresses lead nowhere at once", permissions=["delete"])
    def revoke(self, request: HttpRequest, shares: QuerySet[Share]) -> None:
        chosen = list(shares[:_AT_ONCE_MAX])
        for share in chosen:
            self.audit(request, "revoke", share, {"conversation": share.conversation_id})
            share_revoke(share=share)
        self.message_user(request, f"{len(chosen)} revoked.", messages.SUCCESS)
