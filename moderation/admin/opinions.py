"""What members think of replies. Reports have a queue of their own (`moderation.admin.reports`)."""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils.safestring import SafeString

from chat.models import Feedback, Rating
from moderation.admin.base import link
from moderation.admin.facts import FactsAdmin, Section
from moderation.admin.lists import NONE, badge, moment
from moderation.feedback_export import feedback_export, feedback_lines

# A line is a query, and the page waits for all of them; the command does not.
EXPORT_MAX = 2000
_MEMORY_BYTES = 2**20


@admin.register(Feedback)
class FeedbackAdmin(FactsAdmin):
    """Without the texts: whoever may read them follows the link to the message."""

    list_display = ["rated", "said", "user", "training", "message_link", "updated"]
    list_filter = ["rating", "user__may_train", "updated_at"]
    list_select_related = ["message", "user"]
    search_fields = ["comment", "user__username"]
    search_help_text = "Comment or username"
    ordering = ["-updated_at", "-id"]
    actions = ["export"]
    bounded_actions = ("export",)

    def title_of(self, row: Feedback) -> str:
        return f"{row.user.username} {'liked' if row.rating == Rating.UP else 'disliked'} a reply"

    def sections_of(self, request: HttpRequest, row: Feedback) -> list[Section]:
        facts = [
            ("Rating", self.rated(row)),
            ("Comment", row.comment or NONE),
            ("Reply", self.message_link(row)),
            ("User", link(row.user)),
            ("Training", self.training(row)),
            ("First", moment(row.created_at)),
            ("Last changed", moment(row.updated_at)),
        ]
        return [("What was said", facts)]

    @admin.display(description="rating", ordering="rating")
    def rated(self, row: Feedback) -> SafeString:
        if row.rating == Rating.UP:
            return badge("Liked", "good", "thumbs-up")
        return badge("Disliked", "warn", "thumbs-down")

    @admin.display(description="comment")
    def said(self, row: Feedback) -> SafeString | str:
        return row.comment or NONE

    @admin.display(description="reply")
    def message_link(self, row: Feedback) -> SafeString | str:
        return link(row.message, "Read it")

    @admin.display(description="training")
    def training(self, row: Feedback) -> SafeString:
        return badge("May be used", "good") if row.user.may_train else badge("No consent")

    @admin.display(description="changed", ordering="updated_at")
    def updated(self, row: Feedback) -> SafeString:
        return moment(row.updated_at)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        if not request.user.has_perm("chat.export_feedback"):
            actions.pop("export", None)
        return actions

    @admin.action(description="Export for training (JSON lines)")
    def export(self, request: HttpRequest, rows: QuerySet[Feedback]) -> HttpResponseBase:
        """Those of users who agreed; how many were left out is a header and in the log."""
        if not request.user.has_perm("chat.export_feedback"):
            raise PermissionDenied
        export = feedback_export(rows, EXPORT_MAX)
        if export.beyond_limit:
            told = (
                f"At most {EXPORT_MAX} at a time: choose fewer, or use manage.py export_feedback."
            )
            self.message_user(request, told, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        self.audit(request, "export", "feedback", export.to_dict())
        file: Any = SpooledTemporaryFile(max_size=_MEMORY_BYTES)  # noqa: SIM115
        for line in feedback_lines(export):
            file.write(line.encode())
        file.seek(0)
        response = FileResponse(file, content_type="application/jsonl; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="feedback.jsonl"'
        response["Cache-Control"] = "no-store"
        response["X-Left-Out"] = str(export.without_consent + export.hidden)
        return response
