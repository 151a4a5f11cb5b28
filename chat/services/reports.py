"""What becomes of reports: open → dismissed or acted, once, whoever is quicker."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from chat.models import Report, ReportState


class AlreadyDecided(Exception):
    """Somebody else has decided meanwhile."""


def reports_decide(
    *, reports: QuerySet[Report], state: ReportState, by: User, note: str = ""
) -> list[int]:
    """Decide those of them that are open; their ids. Compare-and-set: of two who decide the same
    one at once the second changes nothing. Raises AlreadyDecided where none was open.
    """
    with transaction.atomic():
        rows = Report.objects.filter(pk__in=reports.values("pk"), state=ReportState.OPEN)
        ids = list(rows.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
        if not ids:
            raise AlreadyDecided
        now = timezone.now()
        values = {"state": state, "decided_by": by, "decided_at": now}
        if note:
            values["note"] = note
        Report.objects.filter(pk__in=ids).update(**values)
    return ids


def reports_of_same(*, report: Report) -> QuerySet[Report]:
    """All reports of the message that this one is about; alone where the message is gone."""
    if report.message_id is None:
        return Report.objects.filter(pk=report.pk)
    return Report.objects.filter(message=report.message_id)


def report_author(*, report: Report) -> User | None:
    """Whose conversation it is; None where nobody knows any more."""
    if report.author is not None:
        return report.author
    return report.message.conversation.user if report.message is not None else None


def reports_with_author(reports: QuerySet[Report]) -> QuerySet[Any]:
    """The same with `about`, the id of the user whose conversation it is."""
    return reports.annotate(about=Coalesce(F("author"), F("message__conversation__user")))


def reports_against(reports: QuerySet[Report]) -> QuerySet[Any]:
    """Those by others than the conversation's owner, with `about`: who reports a reply in the own
    conversation complains of the model.
    """
    return reports_with_author(reports).filter(Q(reporter=None) | ~Q(reporter=F("about")))
