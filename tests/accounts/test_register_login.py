"""Register and login over HTTP: shapes, errors, cookie, limits."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from tests.accounts.clients import COOKIE, PASSWORD, client_for, error_of, user_make

pytestmark = pytest.mark.django_db


def _register(username: str = "ana", password: str = PASSWORD) -> Any:
    body = {"username": username, "password": password}
    return APIClient().post("/api/auth/register", body)


def _login(username: str, password: str = PASSWORD) -> Any:
    return APIClient().post("/api/auth/login", {"username": username, "password": password})


def test_register_answers_token_and_user() -> None:
    response = _register()
    assert response.status_code == 201
    body = response.json()
    assert set(body) == {"token", "user"}
    assert set(body["user"]) == {
        "id", "username", "created_at", "settings", "email", "pending_email", "role", "may_train",
    }  # fmt: skip
    nobody_yet = {"email": None, "pending_email": None, "role": "member", "may_train": False}
    assert body["user"].items() >= nobody_yet.items()
    assert body["user"]["username"] == "ana"
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {body['token']}")
    assert client.get("/api/auth/me").json() == body["user"]


def test_register_sets_an_http_only_refresh_cookie() -> None:
    cookie = _register().cookies[COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/api/auth"
    assert not cookie["secure"]


def test_register_and_login_work_with_a_trailing_slash() -> None:
    body = {"username": "ana", "password": PASSWORD}
    assert APIClient().post("/api/auth/register/", body).status_code == 201
    assert APIClient().post("/api/auth/login/", body).status_code == 200


def test_register_refuses_a_taken_name_in_any_case() -> None:
    user_make("Ana")
    assert error_of(_register("aNA")) == (409, "username_taken")


@pytest.mark.parametrize("username", ["ab", "a" * 33, "a b c", "an\na", "änne", "a/b/c", ""])
def test_register_refuses_bad_usernames(username: str) -> None:
    response = _register(username)
    assert error_of(response) == (400, "invalid")
    assert set(response.json()["fields"]) == {"username"}


@pytest.mark.parametrize("password", ["short1", "12345678901", "password123", ""])
def test_register_refuses_bad_passwords(password: str) -> None:
    response = _register(password=password)
    assert error_of(response) == (400, "invalid")
    assert set(response.json()["fields"]) == {"password"}


def test_register_refuses_unknown_fields_and_other_formats() -> None:
    body = {"username": "ana", "password": PASSWORD, "is_staff": True}
    response = APIClient().post("/api/auth/register", body)
    assert error_of(response) == (400, "invalid")
    assert set(response.json()["fields"]) == {"is_staff"}
    form = APIClient().post("/api/auth/register", "username=ana", content_type="text/plain")
    assert error_of(form) == (415, "unsupported_media_type")
    broken = APIClient().post("/api/auth/register", "{", content_type="application/json")
    assert error_of(broken) == (400, "invalid")
    array = APIClient().post("/api/auth/register", [1])
    assert error_of(array) == (400, "invalid")
    assert not User.objects.exists()


def test_login_ignores_the_case_of_the_name_and_notes_the_time() -> None:
    user = user_make("Ana")
    response = _login("ANA")
    assert response.status_code == 200
    assert response.json()["user"]["id"] == user.pk
    assert COOKIE in response.cookies
    user.refresh_from_db()
    assert user.last_login is not None


def test_login_answers_alike_for_unknown_users_and_wrong_passwords() -> None:
    user_make()
    wrong, unknown = _login("ana", "wrong wrong 1"), _login("nobody", "wrong wrong 1")
    assert error_of(wrong) == (401, "invalid_credentials")
    assert wrong.json() == unknown.json()


def test_login_tells_a_suspended_user_only_with_the_right_password() -> None:
    user_make(is_active=False)
    assert error_of(_login("ana")) == (403, "suspended")
    assert error_of(_login("ana", "wrong wrong 1")) == (401, "invalid_credentials")


def test_login_is_limited_by_address() -> None:
    user_make()
    for _ in range(20):
        assert _login("ana").status_code == 200
    response = _login("ana")
    assert error_of(response) == (429, "rate_limited")
    assert 1 <= response.json()["retry_after"] <= 60
    assert response["Retry-After"] == str(response.json()["retry_after"])
    other = APIClient(REMOTE_ADDR="203.0.113.9")
    body = {"username": "ana", "password": PASSWORD}
    assert other.post("/api/auth/login", body).status_code == 200


def test_login_is_not_limited_when_limits_are_off(settings: Any) -> None:
    settings.LIMITS_ENABLED = False
    codes = {_login("nobody").status_code for _ in range(22)}
    assert codes == {401}


def test_me_needs_a_token() -> None:
    response = APIClient().get("/api/auth/me")
    assert error_of(response) == (401, "not_authenticated")
    assert response["WWW-Authenticate"].startswith("Bearer")
    for header in ("Bearer nonsense", "Bearer a b", "Bearer"):
        response = APIClient(HTTP_AUTHORIZATION=header).get("/api/auth/me")
        assert error_of(response) == (401, "not_authenticated")


def test_me_of_a_suspended_user_is_refused() -> None:
    user = user_make()
    client = client_for(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert error_of(client.get("/api/auth/me")) == (403, "suspended")


def test_login_from_another_site_is_refused() -> None:
    user_make()
    body = {"username": "ana", "password": PASSWORD}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        response = APIClient().post("/api/auth/login", body, headers=headers)
        assert error_of(response) == (403, "foreign_origin")
    own = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    assert APIClient().post("/api/auth/login", body, headers=own).status_code == 200


def test_an_address_makes_so_many_accounts_a_day(settings: Any) -> None:
    """What names no account that could be made is not counted; other addresses go on."""
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "register_day": "2 per day"}
    assert error_of(_register("ana", password="short1")) == (400, "invalid")
    assert [_register(name).status_code for name in ("ana", "ben")] == [201, 201]
    response = _register("cleo")
    assert error_of(response) == (429, "rate_limited")
    assert 86_000 < response.json()["retry_after"] <= 86_400
    elsewhere = APIClient(REMOTE_ADDR="10.0.0.9")
    body = {"username": "cleo", "password": PASSWORD}
    assert elsewhere.post("/api/auth/register", body).status_code == 201
