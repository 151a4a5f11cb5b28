"""The queue of reports: oldest first, all reports of one message as one matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import BigIntegerField, Case, Count, F, Min, Q, QuerySet, When

from accounts.models import User
from chat.models import Report, ReportState
from chat.services.reports import report_author

PAGE_SIZE = 25


@dataclass(frozen=True, slots=True)
class Matter:
    """One message (or what is left of it) with all reports of it in this view, oldest first."""

    reports: list[Report]

    @property
    def first(self) -> Report:
        return self.reports[0]

    @property
    def author(self) -> User | None:
        return report_author(report=self.first)

    @property
    def reasons(self) -> list[str]:
        return sorted({report.get_reason_display() for report in self.reports})


def queue_page(
    *, state: str = ReportState.OPEN, words: str = "", number: int = 1
) -> tuple[list[Matter], Page[Any]]:
    """A page of the queue; `state` "" is all of them. Three queries."""
    rows = _chosen(state, words)
    newest_first = state != ReportState.OPEN
    # A message's own id, or less than nothing for a report whose message is gone.
    key = Case(
        When(message=None, then=-F("pk")),
        default=F("message_id"),
        output_field=BigIntegerField(),
    )
    groups = rows.annotate(key=key).values("key").annotate(at=Min("created_at"), n=Count("pk"))
    groups = groups.order_by("-at" if newest_first else "at", "key")
    page = Paginator(groups, PAGE_SIZE).get_page(number)
    keys = [group["key"] for group in page]
    found: dict[int, list[Report]] = {found_key: [] for found_key in keys}
    full = rows.annotate(key=key).filter(key__in=keys).order_by("created_at", "pk")
    names = ("reporter", "rule", "author", "message__conversation__user", "decided_by")
    for report in full.select_related(*names):
        found[report.key].append(report)
    return [Matter(reports) for reports in found.values() if reports], page


def _chosen(state: str, words: str) -> QuerySet[Report]:
    rows = Report.objects.filter(state=state) if state else Report.objects.all()
    if words:
        rows = rows.filter(
            Q(text__icontains=words)
            | Q(comment__icontains=words)
            | Q(note__icontains=words)
            | Q(reporter__username__icontains=words)
        )
    return rows
