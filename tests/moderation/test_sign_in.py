"""The staff's door: how long a sign-in lasts, and what it says to who knocks too often."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session as AdminSession
from django.test import Client
from django.utils import timezone

from tests.accounts.clients import PASSWORD, user_make

pytestmark = pytest.mark.django_db
LOGIN = "/admin/login/"


def test_who_knocks_too_often_sees_the_form_and_when_to_come_back() -> None:
    user_make("mo", is_staff=True)
    client = Client()
    form = {"username": "mo", "password": "wrong", "next": "/admin/chat/report/"}
    for _ in range(10):
        assert client.post(LOGIN, form).status_code == 200
    late = client.post(LOGIN, form | {"password": PASSWORD})
    page = late.content.decode()
    assert late.status_code == 429
    assert 0 < int(late.headers["Retry-After"]) <= 900
    assert late.headers["Content-Type"].startswith("text/html")
    assert "no-store" in late.headers["Cache-Control"]
    assert "Too many attempts. Please try again in" in page
    assert 'value="mo"' in page
    assert 'value="/admin/chat/report/"' in page
    assert PASSWORD not in page


def test_a_sign_in_lasts_a_working_day() -> None:
    user_make("mo", is_staff=True)
    answer = Client().post(LOGIN, {"username": "mo", "password": PASSWORD})
    assert int(answer.cookies["sessionid"]["max-age"]) == 12 * 60 * 60
    left = AdminSession.objects.get().expire_date - timezone.now()
    assert timedelta(hours=11) < left <= timedelta(hours=12)
