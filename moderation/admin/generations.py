"""Generations: how each reply went."""

from typing import Any

from django.contrib import admin

from chat.models import Generation
from moderation.admin.base import ReadOnlyAdmin


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
