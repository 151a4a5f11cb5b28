"""What members say of replies: feedback and reports."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from chat.models import Feedback, Report
from moderation.admin.base import PREVIEW_CHARS, ReadOnlyAdmin, link


class SaidOfMessageAdmin(ReadOnlyAdmin):
    """What a member has said of a message."""

    list_select_related = ["message"]
    ordering = ["-updated_at", "-id"]

    @admin.display(description="reply")
    def preview(self, row: Feedback | Report) -> str:
        return Truncator(row.message.content).chars(PREVIEW_CHARS) if row.message else "-"

    @admin.display(description="message")
    def message_link(self, row: Feedback | Report) -> SafeString | str:
        return link(row.message)


@admin.register(Feedback)
class FeedbackAdmin(SaidOfMessageAdmin):
    list_display = ["id", "rating", "preview", "comment", "user", "updated_at"]
    list_filter = ["rating", "updated_at"]
    list_select_related = ["message", "user"]
    search_fields = ["comment", "message__content", "user__username"]
    search_help_text = "Comment, text of the reply or username"
    fields = ["message_link", "preview", "user", "rating", "comment", "created_at", "updated_at"]


@admin.register(Report)
class ReportAdmin(SaidOfMessageAdmin):
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
