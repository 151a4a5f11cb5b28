"""A front end on another site: the cookie travels there, for named origins and no others."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Session
from tests.accounts.clients import COOKIE, PASSWORD, error_of, user_make

pytestmark = pytest.mark.django_db
ORIGIN = "https://chat.example.net"
FOREIGN = [
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "https://chat.example.net.evil.example"},
    {"Origin": "http://chat.example.net"},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.fixture(autouse=True)
def _elsewhere(settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    settings.CSRF_TRUSTED_ORIGINS = [ORIGIN]
    settings.REFRESH_COOKIE_SAMESITE = "None"
    settings.SESSION_COOKIE_SECURE = True


def signed_in() -> APIClient:
    user_make("ana")
    client = APIClient(headers={"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"})
    response: Any = client.post("/api/auth/login", {"username": "ana", "password": PASSWORD})
    assert response.status_code == 200
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {response.json()['token']}")
    return client


def test_the_cookie_is_for_other_sites_and_secure() -> None:
    client = signed_in()
    cookie = client.cookies[COOKIE]
    assert (cookie["samesite"], cookie["secure"], cookie["httponly"]) == ("None", True, True)
    client.post("/api/auth/logout")
    gone = client.cookies[COOKIE]
    assert (gone.value, gone["samesite"], gone["secure"]) == ("", "None", True)


def test_the_named_origin_may_read_answers_with_credentials() -> None:
    client = signed_in()
    response: Any = client.post("/api/auth/refresh")
    assert response.status_code == 200
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert response["Access-Control-Allow-Credentials"] == "true"
    assert "origin" in response["Vary"]


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_the_named_origin_may_change_the_account(method: str) -> None:
    headers = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    response: Any = APIClient().options("/api/auth/me", headers=headers)
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert method in response["Access-Control-Allow-Methods"]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "refresh"),
        ("post", "logout"),
        ("post", "logout-all"),
        ("post", "password"),
        ("post", "login"),
        ("post", "register"),
        ("patch", "me"),
        ("delete", "me"),
    ],
)
def test_no_other_origin_may_use_the_cookie(
    method: str, path: str, headers: dict[str, str]
) -> None:
    client = signed_in()
    client.defaults = {}
    response: Any = getattr(client, method)(f"/api/auth/{path}", {}, headers=headers)
    assert error_of(response) == (403, "foreign_origin")
    assert response.get("Access-Control-Allow-Origin") is None
    assert Session.objects.exists()
    again = client.post("/api/auth/refresh", headers={"Origin": ORIGIN})
    assert again.status_code == 200
