"""What the staff sees of users beside their names: counts and facts, by a few queries."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

import redis.exceptions
from django.db.models import Count, Max, QuerySet
from django.utils import timezone

from accounts.limits import LimitState
from accounts.models import Session, User
from chat.generation.admission import quota_states
from chat.generation.owner import Owner
from chat.models import Conversation, Generation, Message, Report, ReportState
from chat.services.reports import report_author, reports_against, reports_with_author
from moderation.audit import USER_TYPE
from moderation.charts import meter
from moderation.models import AuditEntry

WEEK = timedelta(days=7)
_WINDOWS = {
    0: "Replies at once", 60: "Prompts a minute", 3600: "Prompts an hour", 86_400: "Prompts a day"
}  # fmt: skip
_RECENT = 8


@dataclass(slots=True)
class Counts:
    """Of one user; `prompts_week` counts what was asked anywhere, /v1 included."""

    conversations: int = 0
    messages: int = 0
    prompts_week: int = 0
    reports_against: int = 0
    reports_by: int = 0


def user_counts(ids: list[int]) -> dict[int, Counts]:
    """By user id; five queries, whatever the number of users."""
    week = timezone.now() - WEEK
    is_open = Report.objects.filter(state=ReportState.OPEN)
    against = reports_against(is_open)
    counted: dict[str, tuple[QuerySet[Any], str]] = {
        "conversations": (Conversation.objects.filter(user__in=ids), "user"),
        "messages": (Message.objects.filter(conversation__user__in=ids), "conversation__user"),
        "prompts_week": (Generation.objects.filter(user__in=ids, queued_at__gt=week), "user"),
        "reports_against": (against.filter(about__in=ids), "about"),
        "reports_by": (is_open.filter(reporter__in=ids), "reporter"),
    }
    by_user: dict[int, Counts] = defaultdict(Counts)
    for name, (rows, owner) in counted.items():
        totals = rows.order_by().values(owner).annotate(n=Count("pk"))
        for user_id, n in totals.values_list(owner, "n"):
            setattr(by_user[user_id], name, n)
    assert {field.name for field in fields(Counts)} == set(counted)
    return by_user


def last_seen(ids: list[int]) -> dict[int, Any]:
    """When a session of each was seen last; one query."""
    rows = Session.objects.filter(user__in=ids).order_by().values("user")
    return dict(rows.annotate(at=Max("last_seen_at")).values_list("user", "at"))


def user_facts(user: User) -> dict[str, Any]:
    """What the user's page shows; about a dozen queries."""
    reports = Report.objects.select_related("message__conversation").order_by("-id")
    about = reports_with_author(reports).filter(about=user.pk)
    done = AuditEntry.objects.filter(target_type=USER_TYPE, target_id=str(user.pk))
    return {
        "counts": user_counts([user.pk])[user.pk],
        "sessions": list(user.sessions.order_by("-last_seen_at")[:_RECENT]),
        "session_count": user.sessions.count(),
        "recent": list(user.conversations.order_by("-updated_at")[:_RECENT]),
        "reports_about": list(about[:_RECENT]),
        "reports_made": list(reports.filter(reporter=user)[:_RECENT]),
        "entries": list(done.order_by("-at", "-id")[:_RECENT]),
        "key_count": user.api_keys.count(),
        "roles": list(user.groups.values_list("name", flat=True)),
    }


def quota_facts(user: User) -> list[dict[str, Any]] | None:
    """How much of each limit the user has used; None while Redis does not answer."""
    try:
        states = quota_states(Owner.member(user))
    except redis.exceptions.RedisError:
        return None
    return [_quota(state) for state in states.values()]


def _quota(state: LimitState) -> dict[str, Any]:
    used = state.limit - state.remaining
    name = _WINDOWS.get(state.window_s, f"Prompts in {state.window_s} s")
    told = f"{used} of {state.limit}"
    return {"name": name, "told": told, "meter": meter(used, state.limit, f"{name}: {told}")}


def earlier_reports(report: Report, limit: int = 10) -> list[Report]:
    """Other reports about the same person, newest first."""
    author = report_author(report=report)
    if author is None:
        return []
    rows = reports_with_author(Report.objects.exclude(pk=report.pk)).filter(about=author.pk)
    if report.message_id is not None:
        rows = rows.exclude(message=report.message_id)
    return list(rows.select_related("reporter", "rule").order_by("-id")[:limit])
