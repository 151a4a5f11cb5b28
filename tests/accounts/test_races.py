"""Two requests at one moment, with real transactions."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User
from tests.accounts.clients import COOKIE, PASSWORD, user_make

pytestmark = pytest.mark.django_db(transaction=True)


def _together(act: Callable[[], Any], count: int = 6) -> list[int]:
    """The sorted statuses of `count` simultaneous calls."""

    def call(_: int) -> int:
        try:
            return int(act().status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return sorted(pool.map(call, range(count)))


def test_one_of_many_registers_a_name() -> None:
    names = iter(["ana", "Ana", "ANA", "aNa", "anA", "aNA"])

    def register() -> Any:
        body = {"username": next(names), "password": PASSWORD}
        return APIClient().post("/api/auth/register", body)

    assert _together(register) == [201, 409, 409, 409, 409, 409]
    assert User.objects.count() == 1


def test_tabs_that_refresh_at_once_all_stay_signed_in() -> None:
    pair = tokens.tokens_issue(user=user_make())

    def refresh() -> Any:
        client = APIClient()
        client.cookies[COOKIE] = pair.refresh
        return client.post("/api/auth/refresh")

    assert _together(refresh) == [200] * 6


def test_the_login_limit_cannot_be_raced_past() -> None:
    """That of an address, over all names; a name's own: test_lockout."""
    names = iter(f"nobody{number}" for number in range(24))

    def login() -> Any:
        body = {"username": next(names), "password": "wrong wrong 1"}
        return APIClient().post("/api/auth/login", body)

    assert _together(login, 24).count(401) == 20
