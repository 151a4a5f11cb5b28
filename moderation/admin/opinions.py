"""What members think of replies. Reports have a queue of their own (`moderation.admin.reports`)."""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest
from django.utils.safestring import SafeString

from chat.models import Feedback
from moderation.admin.base import ReadOnlyAdmin, link
from moderation.feedback_export import feedback_export, feedback_lines

_MEMORY_BYTES = 2**20


@admin.register(Feedback)
class FeedbackAdmin(ReadOnlyAdmin):
    """Without the texts: whoever may read them follows the link to the message."""

    list_display = ["id", "rating", "comment", "user", "may_train", "message_link", "updated_at"]
    list_filter = ["rating", "user__may_train", "updated_at"]
    list_select_related = ["message", "user"]
    search_fields = ["comment", "user__username"]
    search_help_text = "Comment or username"
    ordering = ["-updated_at", "-id"]
    fields = ["message_link", "user", "rating", "comment", "created_at", "updated_at"]
    actions = ["export"]

    @admin.display(description="message")
    def message_link(self, row: Feedback) -> SafeString | str:
        return link(row.message)

    @admin.display(description="training", boolean=True)
    def may_train(self, row: Feedback) -> bool:
        return row.user.may_train

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        if not request.user.has_perm("chat.export_feedback"):
            actions.pop("export", None)
        return actions

    @admin.action(description="Export for training (JSON lines)")
    def export(self, request: HttpRequest, rows: QuerySet[Feedback]) -> FileResponse:
        """Those of users who agreed; how many were left out is a header and in the log."""
        if not request.user.has_perm("chat.export_feedback"):
            raise PermissionDenied
        export = feedback_export(rows)
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
