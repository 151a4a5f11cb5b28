"""Changing the password: checked, limited, and the end of all other sessions."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts.keys import key_create, key_user
from accounts.models import Session, User
from tests.accounts.clients import COOKIE, PASSWORD, error_of, user_make
from tests.accounts.test_own_sessions import browser, refreshed

pytestmark = pytest.mark.django_db
URL = "/api/auth/password"
NEW = "staple wrong donkey"


def change(client: APIClient, old: str = PASSWORD, new: str = NEW, **more: Any) -> Any:
    return client.post(URL, {"old_password": old, "new_password": new}, **more)


def login(password: str) -> Any:
    return APIClient().post("/api/auth/login", {"username": "ana", "password": password})


def test_this_session_goes_on_and_all_others_end() -> None:
    user = user_make("ana")
    phone, desk = browser(user), browser(user)
    session = Session.objects.order_by("created_at").last()
    assert session is not None
    response = change(desk)
    assert response.status_code == 200
    assert set(response.json()) == {"token", "user"}
    assert response.json()["user"]["username"] == "ana"
    assert response.cookies[COOKIE]["httponly"]
    assert error_of(phone.get("/api/auth/me")) == (401, "not_authenticated")
    assert error_of(refreshed(phone)) == (401, "not_authenticated")
    assert error_of(desk.get("/api/auth/me")) == (401, "not_authenticated"), "the token before"
    desk.credentials(HTTP_AUTHORIZATION=f"Bearer {response.json()['token']}")
    (row,) = desk.get("/api/auth/sessions").json()
    assert row["id"] == str(session.pk)
    assert row["is_current"]
    assert refreshed(desk).status_code == 200
    assert error_of(login(PASSWORD)) == (401, "invalid_credentials")
    assert login(NEW).status_code == 200


def test_the_cookie_before_is_refused() -> None:
    desk = browser(user_make("ana"))
    before = desk.cookies[COOKIE].value
    change(desk)
    thief = APIClient()
    thief.cookies[COOKIE] = before
    assert error_of(refreshed(thief)) == (401, "not_authenticated")


def test_a_tab_that_refreshes_with_the_cookie_before_leaves_the_new_one() -> None:
    """Both belong to one browser; its answer may come last."""
    user = user_make("ana")
    desk, tab, phone = browser(user), APIClient(), browser(user)
    tab.cookies[COOKIE] = desk.cookies[COOKIE].value
    assert change(desk).status_code == 200
    late = refreshed(tab)
    assert error_of(late) == (401, "not_authenticated")
    assert COOKIE not in late.cookies
    assert refreshed(phone).cookies[COOKIE].value == ""
    assert refreshed(desk).status_code == 200


def test_api_keys_outlive_the_change() -> None:
    user = user_make("ana")
    _, secret = key_create(user=user, name="notebook")
    change(browser(user))
    assert key_user(secret=secret) == user


def test_wrong_old_password_changes_nothing() -> None:
    user = user_make("ana")
    phone, desk = browser(user), browser(user)
    response = change(desk, old="wrong wrong 1")
    assert error_of(response) == (403, "wrong_password")
    assert COOKIE not in response.cookies
    assert phone.get("/api/auth/me").status_code == 200
    assert desk.get("/api/auth/me").status_code == 200
    assert login(PASSWORD).status_code == 200


@pytest.mark.parametrize("new", ["short1", "12345678901", "password123", "ana-ana-ana", "", 1])
def test_bad_new_passwords_are_refused(new: Any) -> None:
    response = change(browser(user_make("ana-ana-an")), new=new)
    assert error_of(response) == (400, "invalid")
    assert set(response.json()["fields"]) == {"new_password"}


def test_unknown_and_missing_fields_are_refused() -> None:
    client = browser(user_make("ana"))
    body = {"old_password": PASSWORD, "new_password": NEW, "username": "ben"}
    assert set(client.post(URL, body).json()["fields"]) == {"username"}
    assert set(client.post(URL, {}).json()["fields"]) == {"old_password", "new_password"}
    assert login(PASSWORD).status_code == 200


def test_guessing_is_limited_for_each_user() -> None:
    client, other = browser(user_make("ana")), browser(user_make("ben"))
    for _ in range(10):
        assert change(client, old="wrong wrong 1").status_code == 403
    response = change(client)
    assert error_of(response) == (429, "rate_limited")
    assert response["Retry-After"]
    assert change(other).status_code == 200


def test_password_needs_a_token_and_the_own_site() -> None:
    assert error_of(change(APIClient())) == (401, "not_authenticated")
    client = browser(user_make("ana"))
    response = change(client, headers={"Origin": "https://evil.example"})
    assert error_of(response) == (403, "foreign_origin")
    assert login(PASSWORD).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_two_changes_at_once_one_wins_and_ends_the_other_s_session() -> None:
    user = user_make("ana")
    clients = {f"donkey staple {n}": browser(user) for n in range(4)}

    def act(new: str) -> tuple[str, int, str]:
        try:
            response = change(clients[new], new=new)
            return new, response.status_code, response.json().get("token", "")
        finally:
            connection.close()

    with ThreadPoolExecutor(len(clients)) as pool:
        answers = list(pool.map(act, clients))
    winners = [(new, token) for new, code, token in answers if code == 200]
    assert len(winners) == 1, answers
    assert {code for _, code, _ in answers} <= {200, 401, 403}
    new, token = winners[0]
    assert User.objects.get().check_password(new)
    assert Session.objects.count() == 1
    winner = APIClient(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert winner.get("/api/auth/me").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_refresh_beside_the_change_leaves_one_session_or_none_of_the_others() -> None:
    user = user_make("ana")
    desk, phones = browser(user), [browser(user) for _ in range(3)]

    def act(step: Any) -> int:
        try:
            return int(step().status_code)
        finally:
            connection.close()

    steps = [lambda: change(desk), *(lambda phone=phone: refreshed(phone) for phone in phones)]
    with ThreadPoolExecutor(len(steps)) as pool:
        codes = list(pool.map(act, steps))
    assert codes[0] == 200
    assert set(codes[1:]) <= {200, 401}
    assert Session.objects.count() == 1
    for phone in phones:
        assert refreshed(phone).status_code == 401, "its session has ended either way"
