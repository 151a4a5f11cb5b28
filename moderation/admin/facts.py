"""Pages of rows that nobody edits: named facts, instead of a form without fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from moderation.admin.base import ReadOnlyAdmin

# Title of the section, and what stands in it; what is None or "" is left out.
Section = tuple[str, Sequence[tuple[str, Any]]]


class FactsAdmin(ReadOnlyAdmin):
    """`title_of` and `sections_of` say what the page shows; a template of its own may add to it."""

    facts_template = "moderation/facts.html"

    def title_of(self, row: Any) -> str:
        return f"{str(self.opts.verbose_name).capitalize()} {row.pk}"

    def sections_of(self, request: HttpRequest, row: Any) -> list[Section]:
        raise NotImplementedError

    def more_of(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """What else its template needs."""
        return {}

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = None if request.method == "POST" else self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row):
            return super().change_view(request, object_id, form_url, extra_context)
        sections = [
            (title, [(name, value) for name, value in facts if value not in (None, "")])
            for title, facts in self.sections_of(request, row)
        ]
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        context = {
            **self.admin_site.each_context(request),
            "title": self.title_of(row),
            "opts": self.opts,
            "row": row,
            "sections": [section for section in sections if section[1]],
            "list_address": f"{name}_changelist",
            "history_address": f"{name}_history",
            "delete_address": f"{name}_delete",
            "may_delete": self.has_delete_permission(request, row),
            **self.more_of(request, row),
        }
        return TemplateResponse(request, self.facts_template, context)
