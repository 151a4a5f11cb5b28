"""The first page of the staff: cards and charts, each for who may see what it counts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis.exceptions
from django.http import HttpRequest
from django.urls import reverse

from chat.generation.workers import WorkerState, workers_alive
from chat.models import Generation, ReportState, Status
from moderation import figures
from moderation.charts import Chart, Series, meter
from moderation.figures import DAY, SPANS, Span, TooSlow
from moderation.navigation import COUNT_MAX, reports_open

logger = logging.getLogger(__name__)

QUEUE_COUNT_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Card:
    """One number. `tone`: "", "good" or "bad"."""

    key: str
    title: str
    value: str
    note: str = ""
    icon: str = ""
    url: str = ""
    tone: str = ""


def span_of(request: HttpRequest) -> Span:
    """The span that the address names, else the last day."""
    return SPANS.get(request.GET.get("span", ""), DAY)


def dashboard(request: HttpRequest) -> dict[str, Any]:
    """What `admin/index.html` shows to this person."""
    span = span_of(request)
    parts: list[tuple[str, Callable[[Span], Card | None]]] = [
        ("chat.view_report", _card_reports),
        ("accounts.view_user", _card_users),
        ("chat.view_generation", _card_replies),
        ("chat.view_report", _card_filtered),
        ("chat.view_generation", _card_failures),
        ("chat.view_generation", _card_queue),
        ("moderation.view_workers", _card_workers),
    ]
    drawn: list[tuple[str, Callable[[Span], Chart]]] = [
        ("chat.view_generation", _chart_first_word),
        ("chat.view_generation", _chart_speed),
        ("chat.view_conversation", _chart_messages),
        ("accounts.view_user", _chart_users),
        ("chat.view_generation", _chart_replies),
    ]
    may = request.user.has_perm
    cards = [card for right, make in parts if may(right) and (card := _tried(make, span))]
    charts = [chart for right, make in drawn if may(right) and (chart := _tried(make, span))]
    return {
        "cards": cards,
        "charts": charts,
        "codes": _codes(span) if may("chat.view_generation") else None,
        "span": span,
        "spans": SPANS.values(),
        "is_too_slow": len(charts) < sum(may(right) for right, _ in drawn),
    }


def _tried(make: Callable[[Span], Any], span: Span) -> Any:
    try:
        return make(span)
    except TooSlow:
        logger.warning("the dashboard gave up a query that took too long")
        return None


def _list(name: str, query: str = "") -> str:
    return reverse(f"admin:{name}_changelist") + query


def _card_reports(_span: Span) -> Card:
    count = reports_open()
    shown = f"{COUNT_MAX}+" if count > COUNT_MAX else str(count)
    query = f"?state={ReportState.OPEN}"
    note = "waiting for somebody" if count else "all looked after"
    tone = "bad" if count else "good"
    return Card("reports", "Open reports", shown, note, "flag", _list("chat_report", query), tone)


def _card_users(span: Span) -> Card:
    total, suspended, seen = figures.users(span)
    note = f"{seen:,} seen in {span.title}"
    if suspended:
        note += f", {suspended:,} suspended"
    return Card("users", "Users", f"{total:,}", note, "users", _list("accounts_user"))


def _card_replies(span: Span) -> Card:
    total = sum(figures.replies(span).count)
    return Card("replies", "Replies", f"{total:,}", f"asked for in {span.title}", "message-square")


def _card_filtered(span: Span) -> Card:
    count = sum(figures.replies(span).filtered)
    return Card(
        "filtered", "Filtered replies", f"{count:,}", f"by rules, in {span.title}", "shield-check"
    )


def _card_failures(span: Span) -> Card:
    found = figures.replies(span)
    failed, total = sum(found.failed), sum(found.count)
    share = f"{failed / total:.1%} of all in {span.title}" if total else f"in {span.title}"
    query = f"?status__exact={Status.FAILED}"
    tone = "bad" if total and failed / total > 0.05 else ""
    url = _list("chat_generation", query)
    return Card("failures", "Failures", f"{failed:,}", share, "triangle-alert", url, tone)


def queue_depth() -> int:
    return Generation.objects.filter(status=Status.QUEUED)[:QUEUE_COUNT_MAX].count()


def _card_queue(_span: Span) -> Card:
    depth = queue_depth()
    note = "waiting for a slot" if depth else "nobody waits"
    url = _list("chat_generation", f"?status__exact={Status.QUEUED}")
    return Card("queue", "Queue", f"{depth:,}", note, "activity", url)


def workers_known() -> list[WorkerState] | None:
    """Who is alive; None while Redis does not answer."""
    try:
        return list(workers_alive().values())
    except redis.exceptions.RedisError:
        logger.warning("the workers are not known: Redis does not answer", exc_info=True)
        return None


def _card_workers(_span: Span) -> Card:
    workers, url = workers_known(), reverse("admin:workers")
    if workers is None:
        return Card("workers", "Workers", "?", "Redis does not answer", "server", url, "bad")
    used = sum(len(worker.running) for worker in workers)
    slots = sum(worker.slots for worker in workers)
    note = f"{used} of {slots} slots in use" if workers else "nobody writes replies"
    tone = "" if workers else "bad"
    return Card("workers", "Workers", str(len(workers)), note, "server", url, tone)


def _labels(span: Span, starts: Any) -> list[str]:
    return [start.strftime(span.label) for start in starts]


def _chart_first_word(span: Span) -> Chart:
    found = figures.replies(span)
    return Chart(
        key="first-word",
        title="Time to the first word",
        about="Seconds from the prompt to the first word of its reply.",
        labels=_labels(span, found.starts),
        series=[
            Series("half of them within", found.first_word_p50_s, "a"),
            Series("95 % within", found.first_word_p95_s, "b"),
        ],
        kind="lines",
        unit=" s",
        places=2,
        empty="No reply has begun in this time.",
    )


def _chart_speed(span: Span) -> Chart:
    found = figures.replies(span)
    return Chart(
        key="speed",
        title="Speed of a reply",
        about="Tokens a second while a reply is being written, the middle one of all.",
        labels=_labels(span, found.starts),
        series=[Series("tokens a second", found.tokens_per_s, "a")],
        kind="lines",
        places=1,
        empty="No reply has ended in this time.",
    )


def _chart_messages(span: Span) -> Chart:
    starts, counts = figures.messages(span)
    return Chart(
        key="messages",
        title="Messages",
        about="Messages of members and replies to them.",
        labels=_labels(span, starts),
        series=[Series("messages", counts, "a")],
        total=f"{sum(counts):,}",
        empty="Nobody has written in this time.",
    )


def _chart_users(span: Span) -> Chart:
    starts, fresh = figures.new_users(span)
    active = figures.replies(span).members
    return Chart(
        key="users",
        title="People",
        about="Members who asked for a reply, and new accounts.",
        labels=_labels(span, starts),
        series=[Series("active", active, "a"), Series("new", fresh, "b")],
        kind="lines",
        empty="No new account and nobody active in this time.",
    )


def _chart_replies(span: Span) -> Chart:
    found = figures.replies(span)
    good = [
        n - bad - cut for n, bad, cut in zip(found.count, found.failed, found.filtered, strict=True)
    ]
    return Chart(
        key="replies",
        title="Replies",
        about="Replies asked for, by members and guests; failed and filtered ones set apart.",
        labels=_labels(span, found.starts),
        series=[
            Series("written", good, "a"),
            Series("filtered", found.filtered, "c"),
            Series("failed", found.failed, "b"),
        ],
        total=f"{sum(found.count):,}",
        empty="No reply was asked for in this time.",
    )


def _codes(span: Span) -> list[dict[str, Any]]:
    """Failures by their code, with how long the bar of each is."""
    found = _tried(figures.replies, span)
    codes = found.codes if found else []
    most = max((count for _, count in codes), default=1)
    return [
        {"code": code, "count": count, "meter": meter(count, most, f"{count} of {code}")}
        for code, count in codes
    ]
