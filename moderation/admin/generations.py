"""Generations: how each reply went, without its text; stopped, and queued anew."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.errors import ApiError
from chat.generation.cancel import generation_cancel
from chat.generation.rescue import generation_again
from chat.models import UNFINISHED, Generation, Status
from moderation.admin.base import ReadOnlyAdmin
from moderation.admin.posts import Posts

_AT_ONCE_MAX = 100
_LOOKS = {Status.COMPLETED: "good", Status.FAILED: "bad", Status.CANCELLED: "warn"}


@admin.register(Generation)
class GenerationAdmin(Posts, ReadOnlyAdmin):
    list_display = [
        "short_id",
        "state",
        "finish_reason",
        "error_code",
        "user",
        "queue_s",
        "first_token_s",
        "total_s",
        "completion_tokens",
        "attempt",
        "worker_id",
        "queued_at",
    ]
    list_filter = ["status", "finish_reason", "error_code", "model", "worker_id", "queued_at"]
    list_select_related = ["user"]
    search_fields = ["id__iexact", "user__username", "worker_id", "error_code"]
    search_help_text = "Id, username, worker or error code"
    ordering = ["-queued_at"]
    exclude = ["owner_key", "client_id"]
    actions = ["cancel", "again"]
    change_form_template = "moderation/generation.html"
    posts = {"cancel": "chat.cancel_generation", "again": "chat.requeue_generation"}

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        for name, permission in self.posts.items():
            if not request.user.has_perm(permission):
                actions.pop(name, None)
        return actions

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        extra = {
            "may_cancel": request.user.has_perm("chat.cancel_generation"),
            "may_again": request.user.has_perm("chat.requeue_generation"),
        }
        return super().change_view(request, object_id, form_url, extra | (extra_context or {}))

    @admin.action(description="Stop")
    def cancel(self, request: HttpRequest, rows: QuerySet[Generation]) -> None:
        chosen = list(rows.filter(status__in=UNFINISHED)[:_AT_ONCE_MAX])
        for generation in chosen:
            self.post_cancel(request, generation)
        self.message_user(request, f"{len(chosen)} asked to stop.", messages.SUCCESS)

    @admin.action(description="Queue anew")
    def again(self, request: HttpRequest, rows: QuerySet[Generation]) -> None:
        done = 0
        for generation in rows[:_AT_ONCE_MAX]:
            try:
                self.post_again(request, generation)
                done += 1
            except ApiError as error:
                self.message_user(request, f"{generation.pk}: {error.detail}", messages.WARNING)
        self.message_user(request, f"{done} queued anew.", messages.SUCCESS)

    def post_cancel(self, request: HttpRequest, generation: Generation) -> str:
        if generation.status not in UNFINISHED:
            return "It has ended already."
        generation_cancel(generation=generation)
        self.audit(request, "cancel", generation)
        return "Asked to stop."

    def post_again(self, request: HttpRequest, generation: Generation) -> str:
        before = generation.status
        generation_again(generation=generation)
        self.audit(request, "requeue", generation, {"was": before})
        return "Queued anew."

    @admin.display(description="id", ordering="id")
    def short_id(self, generation: Generation) -> str:
        return str(generation.pk)[:8]

    @admin.display(description="status", ordering="status")
    def state(self, generation: Generation) -> SafeString:
        look = _LOOKS.get(Status(generation.status), "")
        return format_html('<span class="badge {}">{}</span>', look, generation.status)

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
