"""The dashboard and the page of workers: numbers of real rows, for who may see them."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.store import redis_client
from chat.generation.worker import WORKER_KEY_PREFIX, WORKERS_KEY
from chat.models import FinishReason, Generation, ReportReason, Status
from chat.services.opinions import report_make
from moderation import figures
from moderation.charts import Chart, Series
from tests.accounts.clients import user_make
from tests.chat.factories import conversation_make, exchange_make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _asked_again() -> Iterator[None]:
    figures.figures_forget()
    yield
    figures.figures_forget()


def staff(role: str = "") -> Client:
    user = user_make(role or "root", is_staff=True, is_superuser=not role)
    if role:
        user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def reply(queued_at: datetime, **fields: Any) -> Generation:
    """Its first word came after a second, forty more in the two seconds after that."""
    times = {
        "queued_at": queued_at,
        "first_token_at": queued_at + timedelta(seconds=1),
        "finished_at": queued_at + timedelta(seconds=3),
    }
    fields = {"status": Status.COMPLETED, "completion_tokens": 41, **times, **fields}
    return Generation.objects.create(owner_key="g:x", **fields)


def worker_alive(**more: Any) -> None:
    said = {"running": ["a", "b"], "slots": 8, "model": "eugpt-36m", "precision": "int8", **more}
    redis_client().sadd(WORKERS_KEY, "w1")
    redis_client().set(WORKER_KEY_PREFIX + "w1", json.dumps(said), px=60_000)


def page(client: Client, path: str = "/admin/") -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def numbers(client: Client, path: str = "/admin/") -> dict[str, str]:
    return {card.key: card.value for card in client.get(path).context["cards"]}


def test_the_cards_count_what_is_there() -> None:
    client = staff()
    ana = user_make("ana")
    now = timezone.now()
    message = exchange_make(conversation_make(ana), "hi", "hello")
    report_make(user=ana, message_id=message.pk, reason=ReportReason.OTHER, comment="")
    Generation.objects.all().delete()
    reply(now)
    reply(now, finish_reason=FinishReason.FILTERED)
    reply(now, status=Status.FAILED, error_code="worker_lost")
    reply(now, status=Status.QUEUED)
    reply(now - timedelta(days=3))
    worker_alive()
    assert numbers(client) == {
        "reports": "1",
        "users": "2",
        "replies": "4",
        "filtered": "1",
        "failures": "1",
        "queue": "1",
        "workers": "1",
    }
    assert numbers(client, "/admin/?span=fortnight")["replies"] == "5"
    shown = page(client)
    assert "worker_lost" in shown
    assert "2 of 8 slots in use" in shown


def test_the_series_measure_first_word_and_speed() -> None:
    now = timezone.now()
    for late_s in (0.2, 0.4, 4):
        reply(now, first_token_at=now + timedelta(seconds=late_s), finished_at=None)
    reply(now, first_token_at=None)
    reply(now - timedelta(days=1), first_token_at=now - timedelta(days=1, seconds=-1))
    found = figures.replies(figures.FORTNIGHT)
    assert found.count[-2:] == [1, 4]
    assert found.first_word_p50_s[-1] == pytest.approx(0.4)
    assert found.first_word_p95_s[-1] == pytest.approx(3.64)
    assert found.tokens_per_s[-2:] == [pytest.approx(20), None]
    assert (found.count[0], found.first_word_p50_s[0]) == (0, None)
    assert len(found.starts) == 14


def test_members_who_are_active_are_counted_once_a_step() -> None:
    ana = user_make("ana")
    for _ in range(3):
        reply(timezone.now(), user=ana)
    assert figures.replies(figures.DAY).members[-1] == 1
    assert sum(figures.new_users(figures.DAY)[1]) == 1


@pytest.mark.parametrize(
    ("role", "cards", "charts"),
    [
        ("moderator", {"reports", "users", "filtered"}, {"messages", "users"}),
        (
            "operator",
            {"replies", "failures", "queue", "workers"},
            {"first-word", "speed", "replies"},
        ),
    ],
)
def test_each_role_sees_its_own(role: str, cards: set[str], charts: set[str]) -> None:
    context = staff(role).get("/admin/").context
    assert {card.key for card in context["cards"]} == cards
    assert {chart.key for chart in context["charts"]} == charts


def test_staff_without_a_role_is_told_so() -> None:
    user = user_make("newcomer", is_staff=True)
    client = Client()
    client.force_login(user)
    assert "has no role" in page(client)
    assert client.get("/admin/workers/").status_code == 403


def test_without_rows_every_chart_says_so_in_words() -> None:
    User.objects.all().delete()
    client = staff()
    shown = page(client)
    assert "No reply was asked for" in shown
    assert "Nothing has failed" in shown


def test_a_query_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "TIME_LIMIT_MS", 50)
    monkeypatch.setattr(figures, "_REPLIES", "SELECT pg_sleep(5)")
    shown = page(staff())
    assert "took too long" in shown
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_the_dashboard_takes_a_fixed_number_of_queries(django_assert_max_num_queries: Any) -> None:
    client = staff()
    for number in range(30):
        ana = user_make(f"user{number}")
        reply(timezone.now(), user=ana)
    with django_assert_max_num_queries(40):
        page(client)


def test_charts_are_pictures_with_words_and_a_table() -> None:
    chart = Chart("k", "T", "about", ["a", "b", "c"], [Series("x", [1, None, 3])], kind="lines")
    assert chart.top == 4
    assert chart.picture.count('class="line a dot"') == 2  # a gap, so two strokes of one value
    assert chart.rows == [("a", ["1"]), ("b", ["-"]), ("c", ["3"])]
    bars = Chart("k", "T", "about", ["a"], [Series("x", [1]), Series("y", [3], "b")])
    assert bars.top == 4
    assert "style=" not in bars.picture
    assert "a · y: 3" in bars.picture


def test_chart_texts_are_escaped() -> None:
    chart = Chart("k", "T", "about", ["<b>"], [Series("<i>", [1])])
    assert "&lt;b&gt; · &lt;i&gt;" in chart.picture


def test_workers_are_shown_with_what_they_say() -> None:
    client = staff("operator")
    assert "No worker is alive" in page(client, "/admin/workers/")
    worker_alive(waiting=3)
    shown = page(client, "/admin/workers/")
    assert "2 of 8" in shown
    assert "int8" in shown
    assert 'width="25%"' in shown


def test_workers_are_not_for_moderators() -> None:
    assert staff("moderator").get("/admin/workers/").status_code == 403
