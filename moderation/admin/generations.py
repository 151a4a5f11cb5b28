"""Generations: how each reply went, without its text; stopped, and queued anew."""

from __future__ import annotations

import re
import uuid
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.errors import ApiError
from accounts.models import User
from chat.delivery.endings import ERROR_DETAILS, timings
from chat.generation.cancel import generation_cancel
from chat.generation.rescue import generation_again
from chat.models import UNFINISHED, Generation, Status
from moderation.admin.base import link
from moderation.admin.facts import FactsAdmin, Section
from moderation.admin.lists import NONE, badge, moment, number
from moderation.admin.posts import NO_ANSWER, UNREACHABLE, Posts
from moderation.reading import MAY_READ

_AT_ONCE_MAX = 100
_NAMED_MAX = 200
_LOOKS = {Status.COMPLETED: "good", Status.FAILED: "bad", Status.CANCELLED: "warn"}
_ID = re.compile(r"[0-9a-f]{8}(?:[0-9a-f-]{0,28})")


class ErrorFilter(SimpleListFilter):
    """The codes that there are: asking half a million rows for theirs is slower than the list."""

    title = "error"
    parameter_name = "error_code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        codes = sorted({*ERROR_DETAILS, "internal"})
        return [(code, code.replace("_", " ")) for code in codes]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(error_code=self.value()) if self.value() else queryset


@admin.register(Generation)
class GenerationAdmin(Posts, FactsAdmin):
    list_display = [
        "short_id",
        "state",
        "user",
        "queued",
        "queue_s",
        "first_token_s",
        "total_s",
        "tokens",
        "worker",
    ]
    list_filter = ["status", "finish_reason", ErrorFilter, "queued_at"]
    list_select_related = ["user"]
    sortable_by = ["queued"]
    search_fields = ["id"]  # `get_search_results` says how
    search_help_text = "Id, username, worker or error code"
    ordering = ["-queued_at"]
    actions = ["cancel", "again"]
    facts_template = "moderation/generation.html"
    posts = {"cancel": "chat.cancel_generation", "again": "chat.requeue_generation"}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """An id or its beginning, by the index; else the beginning of a worker, code or name."""
        term = search_term.replace("\0", "").strip().lower()[:100]
        if not term:
            return queryset, False
        if _ID.fullmatch(term) and len(digits := term.replace("-", "")) <= 32:
            first, last = (uuid.UUID(digits.ljust(32, fill)) for fill in "0f")
            return queryset.filter(pk__gte=first, pk__lte=last), False
        named = User.objects.filter(username__icontains=term).values_list("pk", flat=True)
        found = Q(user__in=list(named[:_NAMED_MAX])) | Q(error_code=term)
        return queryset.filter(found | Q(worker_id__istartswith=term)), False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        for name, permission in self.posts.items():
            if not request.user.has_perm(permission):
                actions.pop(name, None)
        return actions

    def title_of(self, row: Generation) -> str:
        return f"Generation {str(row.pk)[:8]}"

    def sections_of(self, request: HttpRequest, row: Generation) -> list[Section]:
        may_see = request.user.has_perm("accounts.view_user")
        may_read = request.user.has_perm(MAY_READ) and request.user.has_perm("chat.view_message")
        params = sorted(row.params.items())
        return [
            ("How it ended", [
                ("Status", row.get_status_display()),
                ("Finish reason", row.get_finish_reason_display().strip("-")),
                ("Error", row.error_code),
                ("Safety rule", (row.notice or {}).get("category")),
            ]),
            ("Whose it is", [
                ("User", (link(row.user) if may_see else row.user) or "a guest"),
                ("Message", link(row.message, "Read it") if may_read and row.message else ""),
                ("Request", row.request_id),
                ("Id", str(row.pk)),
            ]),
            ("When", [
                ("Queued", moment(row.queued_at)),
                ("Started", moment(row.started_at)),
                ("First words", moment(row.first_token_at)),
                ("Ended", moment(row.finished_at)),
            ]),
            ("How it was made", [
                ("Model", row.model),
                ("Checkpoint", row.model_sha256[:12]),
                ("Worker", row.worker_id),
                ("Attempt", row.attempt),
                ("Prompt", f"{row.prompt_tokens} tokens"),
                ("Reply", f"{row.completion_tokens} tokens"),
                ("Turns left out", row.context_trimmed or ""),
                *((name, str(value)) for name, value in params if name != "stop"),
            ]),
        ]  # fmt: skip

    def more_of(self, request: HttpRequest, row: Generation) -> dict[str, Any]:
        is_on, user = row.status in UNFINISHED, request.user
        may_again = user.has_perm("chat.requeue_generation")
        return {
            "badge": self.state(row),
            "times": timings(row),
            "may_cancel": is_on and user.has_perm("chat.cancel_generation"),
            "may_again": may_again and row.status not in (Status.COMPLETED, Status.QUEUED),
        }

    @admin.action(description="Stop")
    def cancel(self, request: HttpRequest, rows: QuerySet[Generation]) -> None:
        chosen = list(rows.filter(status__in=UNFINISHED)[:_AT_ONCE_MAX])
        try:
            for generation in chosen:
                self.post_cancel(request, generation)
        except UNREACHABLE:
            self.message_user(request, NO_ANSWER, messages.ERROR)
            return
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
            except UNREACHABLE:
                self.message_user(request, NO_ANSWER, messages.ERROR)
                break
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

    @admin.display(description="status")
    def state(self, generation: Generation) -> SafeString:
        """With the reason of the end where it is not the plain one."""
        shown = badge(generation.status, _LOOKS.get(Status(generation.status), ""))
        why = generation.error_code or generation.finish_reason
        if why in ("", "stop", "error", generation.status):
            return shown
        return format_html('<span>{} <span class="quiet">{}</span></span>', shown, why)

    @admin.display(description="waited")
    def queue_s(self, generation: Generation) -> SafeString:
        return _seconds(generation.queued_at, generation.started_at)

    @admin.display(description="first words")
    def first_token_s(self, generation: Generation) -> SafeString:
        return _seconds(generation.queued_at, generation.first_token_at)

    @admin.display(description="in all")
    def total_s(self, generation: Generation) -> SafeString:
        return _seconds(generation.queued_at, generation.finished_at)

    @admin.display(description="tokens")
    def tokens(self, generation: Generation) -> SafeString:
        return number(generation.completion_tokens)

    @admin.display(description="worker")
    def worker(self, generation: Generation) -> SafeString | str:
        return generation.worker_id or NONE

    @admin.display(description="queued", ordering="queued_at")
    def queued(self, generation: Generation) -> SafeString:
        return moment(generation.queued_at)


def _seconds(begin: Any, end: Any) -> SafeString:
    if begin is None or end is None:
        return NONE
    return format_html(
        '<span class="number moment">{} s</span>', f"{(end - begin).total_seconds():.2f}"
    )
