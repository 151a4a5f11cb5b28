"""What a user sees of the own sessions, and how each of them ends."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts import tokens
from accounts.devices import device_name
from accounts.errors import NotAuthenticated
from accounts.models import Session, User
from accounts.services import user_suspend
from accounts.tasks import prune
from tests.accounts.clients import COOKIE, PASSWORD, client_for, error_of, user_make

pytestmark = pytest.mark.django_db
URL = "/api/auth/sessions"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def browser(user: User, user_agent: str = FIREFOX) -> APIClient:
    """A signed-in browser: its token, its cookie, its name."""
    client = APIClient(headers={"User-Agent": user_agent})
    body = {"username": user.username, "password": PASSWORD}
    token = client.post("/api/auth/login", body).json()["token"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def refreshed(client: APIClient) -> Any:
    return client.post("/api/auth/refresh")


def own_session(client: APIClient) -> str:
    (current,) = [row["id"] for row in client.get(URL).json() if row["is_current"]]
    return str(current)


def test_a_sign_in_is_a_session_with_a_device() -> None:
    user = user_make()
    first, second = browser(user), browser(user, "curl/8.14.1")
    rows = second.get(URL).json()
    assert [(row["device"], row["is_current"]) for row in rows] == [
        ("curl", True),
        ("Firefox on Linux", False),
    ]
    assert set(rows[0]) == {"id", "created_at", "last_seen_at", "device", "is_current"}
    assert own_session(first) == rows[1]["id"]


def test_registering_is_a_session_too() -> None:
    body = {"username": "ana", "password": PASSWORD}
    APIClient().post("/api/auth/register", body, headers={"User-Agent": FIREFOX})
    assert Session.objects.get().user_agent == FIREFOX


def test_a_refresh_keeps_the_session_and_notes_the_time() -> None:
    client = browser(user_make())
    Session.objects.update(last_seen_at=F("last_seen_at") - timedelta(days=1))
    before = Session.objects.get()
    token = refreshed(client).json()["token"]
    after = Session.objects.get()
    assert after.pk == before.pk
    assert after.last_seen_at > before.last_seen_at
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert own_session(client) == str(after.pk)


def test_sessions_are_listed_seen_last_first_in_two_queries(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    user = user_make()
    clients = [browser(user) for _ in range(3)]
    refreshed(clients[0])
    with django_assert_num_queries(2):  # the user in the session, the sessions
        rows = clients[1].get(URL).json()
    assert [row["is_current"] for row in rows] == [False, False, True]


def test_an_ended_session_is_refused_at_once_and_the_others_go_on() -> None:
    user = user_make()
    phone, desk = browser(user), browser(user)
    assert desk.delete(f"{URL}/{own_session(phone)}").status_code == 204
    assert error_of(phone.get("/api/auth/me")) == (401, "not_authenticated")
    assert error_of(phone.post("/api/auth/ws-ticket")) == (401, "not_authenticated")
    response = refreshed(phone)
    assert error_of(response) == (401, "not_authenticated")
    assert response.cookies[COOKIE].value == ""
    assert desk.get("/api/auth/me").status_code == 200
    assert refreshed(desk).status_code == 200


def test_ending_the_own_session_removes_its_cookie() -> None:
    client = browser(user_make())
    response = client.delete(f"{URL}/{own_session(client)}")
    assert response.status_code == 204
    assert response.cookies[COOKIE].value == ""
    other = client_for(User.objects.get())
    mine = tokens.tokens_issue(user=User.objects.get())
    session = str(tokens.session_of(AccessToken(mine.access)))  # type: ignore[arg-type]
    assert COOKIE not in other.delete(f"{URL}/{session}").cookies


def test_sessions_of_others_are_not_there() -> None:
    ana, ben = browser(user_make("ana")), browser(user_make("ben"))
    session = own_session(ana)
    for unknown in (session, str(uuid.uuid4()), "1", "x"):
        assert error_of(ben.delete(f"{URL}/{unknown}")) == (404, "not_found")
    assert len(ben.get(URL).json()) == 1
    assert ana.get("/api/auth/me").status_code == 200


def test_sessions_need_a_token_and_the_own_site() -> None:
    assert error_of(APIClient().get(URL)) == (401, "not_authenticated")
    client = browser(user_make())
    path = f"{URL}/{own_session(client)}"
    evil = {"Origin": "https://evil.example"}
    assert error_of(client.delete(path, headers=evil)) == (403, "foreign_origin")
    everywhere = client.post("/api/auth/logout-all", headers=evil)
    assert error_of(everywhere) == (403, "foreign_origin")
    assert client.get("/api/auth/me").status_code == 200


def test_logout_ends_the_session() -> None:
    client = browser(user_make())
    assert client.post("/api/auth/logout").status_code == 204
    assert not Session.objects.exists()
    assert error_of(client.get("/api/auth/me")) == (401, "not_authenticated")


def test_logout_all_ends_every_session_of_this_user_only() -> None:
    user, other = user_make("ana"), browser(user_make("ben"))
    phone, desk = browser(user), browser(user)
    response = desk.post("/api/auth/logout-all")
    assert response.status_code == 204
    assert response.cookies[COOKIE].value == ""
    for client in (phone, desk):
        assert error_of(client.get("/api/auth/me")) == (401, "not_authenticated")
        assert error_of(refreshed(client)) == (401, "not_authenticated")
    assert other.get("/api/auth/me").status_code == 200
    assert browser(user).get("/api/auth/me").status_code == 200


def test_a_copied_refresh_token_ends_the_session_when_it_comes_late() -> None:
    user = user_make()
    owner, other = browser(user), browser(user)
    thief = APIClient()
    thief.cookies[COOKIE] = owner.cookies[COOKIE].value
    assert refreshed(owner).status_code == 200
    BlacklistedToken.objects.update(blacklisted_at=timezone.now() - tokens.ROTATION_GRACE)
    assert error_of(refreshed(thief)) == (401, "not_authenticated")
    assert error_of(refreshed(owner)) == (401, "not_authenticated")
    assert refreshed(other).status_code == 200


def test_an_old_refresh_token_can_sign_out() -> None:
    user = user_make()
    old = RefreshToken.for_user(user)
    old[tokens.VERSION_CLAIM] = user.token_version
    client = APIClient()
    client.cookies[COOKIE] = str(old)
    client.post("/api/auth/logout")
    client.cookies[COOKIE] = str(old)
    assert error_of(refreshed(client)) == (401, "not_authenticated")


def test_one_account_has_a_limited_number_of_sessions(settings: Any) -> None:
    settings.SESSIONS_MAX = 3
    user = user_make()
    clients = [browser(user) for _ in range(3)]
    refreshed(clients[0])
    newest = browser(user)
    assert len(newest.get(URL).json()) == 3
    codes = [client.get("/api/auth/me").status_code for client in clients]
    assert codes == [200, 401, 200], "the one seen longest ago has ended"


def test_expired_sessions_are_not_listed_and_are_pruned() -> None:
    user = user_make()
    tokens.tokens_issue(user=user)
    Session.objects.update(last_seen_at=timezone.now() - timedelta(days=14))
    client = browser(user)
    assert len(client.get(URL).json()) == 1
    prune()
    assert str(Session.objects.get().pk) == own_session(client)


def test_no_session_begins_with_a_password_that_was_right_a_moment_ago() -> None:
    user = user_make()
    user_suspend(user=User.objects.get())
    User.objects.update(is_active=True)
    with pytest.raises(NotAuthenticated):
        tokens.tokens_issue(user=user)
    assert not Session.objects.exists()


def test_a_user_agent_is_kept_short_and_printable() -> None:
    browser(user_make(), "x" * 300)
    browser(User.objects.get(), "Evil\x07/1.0 \x85 tail")
    assert sorted(len(row.user_agent) for row in Session.objects.all()) == [14, 256]


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        (
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
                "Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0"
            ),
            "Edge on Windows",
        ),
        (
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like "
                "Gecko) Version/26.0 Safari/605.1.15"
            ),
            "Safari on macOS",
        ),
        (
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 "
                "(KHTML, like Gecko) CriOS/142.0.0.0 Mobile/15E148 Safari/604.1"
            ),
            "Chrome on iPhone",
        ),
        (
            (
                "Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) "
                "SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36"
            ),
            "Samsung Internet on Android",
        ),
        (
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
                "HeadlessChrome/142.0.0.0 Safari/537.36"
            ),
            "Chromium on Linux",
        ),
        ("curl/8.14.1", "curl"),
        ("python-httpx/0.28.1", "python-httpx"),
        ("a" * 200 + "/1", "a" * 30),
        ("Mozilla/5.0", "Unknown device"),
        ("<script>alert(1)</script>", "Unknown device"),
        ("", "Unknown device"),
    ],
)
def test_device_has_a_name_for_people(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name
