"""Failed sign-ins: exactly the limit is let through, and nobody can lock out anybody else."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth import hashers
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from accounts.services import user_suspend
from accounts.store import redis_client
from tests.accounts.clients import PASSWORD, error_of, user_make

pytestmark = pytest.mark.django_db
DEVICE = "eugpt_device"
PAIR_LIMIT, NAME_LIMIT = 10, 100
WIDE = {"login": "1000 per minute"}


@pytest.fixture(autouse=True)
def _wide_address_limit(settings: Any) -> None:
    """The limit by address alone has tests of its own."""
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, **WIDE}


def login(
    password: str = "wrong wrong 1",
    *,
    name: str = "ana",
    address: str = "10.0.0.1",
    device: str = "",
) -> Any:
    client = APIClient(REMOTE_ADDR=address)
    if device:
        client.cookies[DEVICE] = device
    return client.post("/api/auth/login", {"username": name, "password": password})


def admin_login(password: str, address: str = "10.0.0.1", device: str = "") -> Any:
    client = Client(REMOTE_ADDR=address)
    if device:
        client.cookies[DEVICE] = device
    return client.post("/admin/login/", {"username": "ana", "password": password})


def lock(count: int = PAIR_LIMIT, **more: Any) -> None:
    for _ in range(count):
        assert error_of(login(**more)) == (401, "invalid_credentials")


def known_device() -> str:
    return str(login(PASSWORD, address="10.9.9.9").cookies[DEVICE].value)


def test_a_pair_of_name_and_address_is_locked_and_told_how_long() -> None:
    user_make("ana")
    lock()
    response = login(PASSWORD)
    assert error_of(response) == (429, "locked_out")
    assert 800 < response.json()["retry_after"] <= 900
    assert response["Retry-After"] == str(response.json()["retry_after"])
    assert error_of(login(PASSWORD, name="ANA")) == (429, "locked_out"), "the same name"


def test_the_owner_gets_in_from_elsewhere_and_others_from_the_same_address() -> None:
    user_make("ana")
    user_make("ben")
    lock()
    assert login(PASSWORD, address="10.0.0.2").status_code == 200
    assert login(PASSWORD, name="ben").status_code == 200


def test_a_known_device_gets_in_at_the_same_address_where_the_name_is_locked() -> None:
    user_make("ana")
    device = known_device()
    lock()
    assert error_of(login(PASSWORD)) == (429, "locked_out")
    assert login(PASSWORD, device=device).status_code == 200


def test_a_stranger_at_the_same_address_keeps_no_known_device_out(settings: Any) -> None:
    """As where a whole school has one address: the limit by address is for devices not known."""
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "login": "5 per minute"}
    user_make("ana")
    device = known_device()
    for number in range(5):
        login(name=f"nobody{number}")
    assert error_of(login(PASSWORD)) == (429, "rate_limited")
    assert login(PASSWORD, device=device).status_code == 200


def test_a_crowd_of_addresses_locks_the_name_for_new_devices_only() -> None:
    user_make("ana")
    device = known_device()
    for number in range(NAME_LIMIT):
        assert error_of(login(address=f"10.1.0.{number}")) == (401, "invalid_credentials")
    assert error_of(login(PASSWORD, address="10.2.0.1")) == (429, "locked_out")
    assert login(PASSWORD, address="10.2.0.2", device=device).status_code == 200


def test_a_device_is_known_to_its_own_accounts_only() -> None:
    user_make("ana")
    user_make("ben")
    bens = str(login(PASSWORD, name="ben").cookies[DEVICE].value)
    lock()
    for device in (bens, bens[:-1], "", "a:b:c", "é"):
        assert error_of(login(PASSWORD, device=device)) == (429, "locked_out")
    both = login(PASSWORD, address="10.0.0.3", device=bens).cookies[DEVICE].value
    assert login(PASSWORD, device=both).status_code == 200, "one browser, two accounts"


def test_a_stolen_device_cookie_has_a_limit_of_its_own() -> None:
    user_make("ana")
    device = known_device()
    lock(2 * PAIR_LIMIT, device=device)  # its own, then those of the address
    assert error_of(login(PASSWORD, device=device)) == (429, "locked_out")
    assert login(PASSWORD, address="10.0.0.2", device=device).status_code == 200


def test_success_forgets_the_failures_before_it() -> None:
    user_make("ana")
    for _ in range(3):
        lock(PAIR_LIMIT - 1)
        assert login(PASSWORD).status_code == 200


def test_unknown_names_are_locked_alike() -> None:
    lock(name="nobody")
    assert error_of(login(name="nobody")) == (429, "locked_out")
    assert error_of(login(name="Nobody")) == (429, "locked_out")


def test_a_new_password_begins_the_count_anew() -> None:
    user = user_make("ana")
    lock()
    user.set_password("staple wrong donkey")
    user.save()
    assert login("staple wrong donkey").status_code == 200


def test_redis_has_neither_names_nor_mistyped_passwords() -> None:
    user_make("ana")
    login(name="ana")
    login(name="my-secret-in-the-wrong-field")
    keys = " ".join(redis_client().scan_iter("*"))
    assert "eugpt:limit" in keys
    assert "ana" not in keys
    assert "secret" not in keys


def test_the_cookie_is_for_the_sign_in_routes_only() -> None:
    user_make("ana")
    cookie = login(PASSWORD).cookies[DEVICE]
    assert cookie["httponly"]
    assert cookie["path"] == "/api/auth"
    body = {"username": "ben", "password": PASSWORD}
    assert APIClient().post("/api/auth/register", body).cookies[DEVICE]["httponly"]
    assert DEVICE not in login("wrong wrong 1").cookies


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["ana", "nobody"])
def test_of_many_at_once_exactly_the_limit_is_let_through(name: str) -> None:
    user_make("ana")

    def attempt(_: int) -> int:
        try:
            return int(login(name=name).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        codes = list(pool.map(attempt, range(40)))
    assert (codes.count(401), codes.count(429)) == (PAIR_LIMIT, 40 - PAIR_LIMIT)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each use of the slow hash from here on."""
    hasher = hashers.get_hasher()
    uses: list[str] = []
    for name in ("encode", "verify"):
        real = getattr(type(hasher), name)

        def counted(self: Any, *args: Any, _real: Any = real, _name: str = name) -> Any:
            uses.append(_name)
            return _real(self, *args)

        monkeypatch.setattr(type(hasher), name, counted)
    return uses


@pytest.mark.parametrize("way", [login, admin_login])
def test_unknown_suspended_and_known_users_get_the_same_answer_for_the_same_work(
    way: Any, hashed: list[str]
) -> None:
    answers, work = [], []
    for state in ("unknown", "known", "suspended", "unusable"):
        if state == "known":
            user = user_make("ana", is_staff=True)
        elif state == "suspended":
            user_suspend(user=user)
        elif state == "unusable":
            user.set_unusable_password()
            user.save()
        hashed.clear()
        response = way("wrong wrong 1")
        body = response.content if way is login else b"Please enter the correct" in response.content
        answers.append((response.status_code, body))
        work.append(len(hashed))
    assert len(set(answers)) == 1, answers
    assert work == [1] * 4


def test_the_admin_s_sign_in_is_limited_the_same_way() -> None:
    user_make("ana", is_staff=True)
    response = admin_login(PASSWORD, address="10.9.9.9")
    assert response.status_code == 302
    cookie = response.cookies[DEVICE]
    assert cookie["path"] == "/admin"
    for _ in range(PAIR_LIMIT):
        assert admin_login("wrong wrong 1").status_code == 200
    locked = admin_login(PASSWORD)
    assert locked.status_code == 429
    assert int(locked["Retry-After"]) > 0
    assert error_of(login(PASSWORD)) == (429, "locked_out"), "one count for both"
    assert admin_login(PASSWORD, device=cookie.value).status_code == 302


@pytest.mark.parametrize("name", ["a\0b", "x" * 10_000, ""])
def test_a_strange_name_is_no_error_of_ours(name: str) -> None:
    response = Client().post("/admin/login/", {"username": name, "password": "x"})
    assert response.status_code == 200
