"""Paging, search and filters of the conversation list."""

import base64
import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from chat.models import Conversation
from tests.accounts.clients import client_for, error_of, user_make
from tests.chat.factories import conversation_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return user_make()


@pytest.fixture
def client(user: User) -> APIClient:
    return client_for(user)


def _titles(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [row["title"] for row in response.json()]


def _next(response: Any) -> str | None:
    match = re.fullmatch(r'<(.+)>; rel="next"', response.get("Link", ""))
    return match[1] if match else None


def _cursor(raw: str) -> str:
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def _walk(client: APIClient, address: str) -> list[list[str]]:
    pages = []
    following: str | None = address
    while following:
        response = client.get(following)
        pages.append(_titles(response))
        following = _next(response)
    return pages


def test_pages_follow_the_link_newest_first(client: APIClient, user: User) -> None:
    start = timezone.now()
    for number in range(7):
        conversation_make(user, f"{number}", start + timedelta(seconds=number))
    pages = _walk(client, "/api/conversations?limit=3")
    assert pages == [["6", "5", "4"], ["3", "2", "1"], ["0"]]


def test_pages_split_rows_of_the_same_moment(client: APIClient, user: User) -> None:
    moment = timezone.now()
    for number in range(5):
        conversation_make(user, f"{number}", moment)
    assert _walk(client, "/api/conversations?limit=2") == [["4", "3"], ["2", "1"], ["0"]]


def test_pages_skip_nothing_when_a_row_moves_to_the_front(client: APIClient, user: User) -> None:
    start = timezone.now()
    for number in range(4):
        conversation_make(user, f"{number}", start + timedelta(seconds=number))
    first = client.get("/api/conversations?limit=2")
    Conversation.objects.filter(title="0").update(updated_at=start + timedelta(minutes=1))
    assert _titles(first) == ["3", "2"]
    assert _titles(client.get(str(_next(first)))) == ["1"]


def test_the_default_page_has_thirty_rows(client: APIClient, user: User) -> None:
    Conversation.objects.bulk_create(Conversation(user=user, title=f"{n}") for n in range(31))
    response = client.get("/api/conversations")
    assert len(response.json()) == 30
    assert _next(response)
    assert len(client.get("/api/conversations?limit=100").json()) == 31


def test_search_pages_keep_the_query(client: APIClient, user: User) -> None:
    for number in range(3):
        conversation_make(user, f"a & b {number}")
    conversation_make(user, "other")
    pages = _walk(client, "/api/conversations?limit=1&q=a%20%26%20b")
    assert pages == [["a & b 2"], ["a & b 1"], ["a & b 0"]]


def test_pinned_ones_come_first_on_every_page(client: APIClient, user: User) -> None:
    start = timezone.now()
    for number in range(7):
        conversation_make(user, f"{number}", start + timedelta(seconds=number))
    Conversation.objects.filter(title__in=["1", "4", "0"]).update(pinned=True)
    pages = _walk(client, "/api/conversations?limit=2")
    assert pages == [["4", "1"], ["0", "6"], ["5", "3"], ["2"]]


def test_archived_ones_are_listed_only_when_asked(client: APIClient, user: User) -> None:
    conversation_make(user, "live")
    stored = conversation_make(user, "stored")
    Conversation.objects.filter(pk=stored.pk).update(archived=True)
    assert _titles(client.get("/api/conversations")) == ["live"]
    assert _titles(client.get("/api/conversations?archived=all")) == ["stored", "live"]
    assert _titles(client.get("/api/conversations?archived=true")) == ["stored"]
    assert _titles(client.get("/api/conversations?archived=false")) == ["live"]
    assert _titles(client.get("/api/conversations?q=stored")) == []
    assert _titles(client.get("/api/conversations?q=stored&archived=all")) == ["stored"]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "cursor=%21", "cursor=YWJj", "cursor=%FF", "archived=2",
     "cursor=MjAyNi0wMS0wMXwx", "cursor=" + _cursor("2026-01-01|1|0"),
     "cursor=" + _cursor("2026-01-01T00:00:00+23:59:59|1|0"),
     "cursor=" + _cursor("2026-01-01T00:00:00+00:00|9223372036854775808|1"), "q=" + "x" * 201],
)  # fmt: skip
def test_bad_parameters_are_refused(client: APIClient, query: str) -> None:
    assert error_of(client.get(f"/api/conversations?{query}")) == (400, "invalid")
