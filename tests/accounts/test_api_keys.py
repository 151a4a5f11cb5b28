"""API keys: made once, stored hashed, listed by their beginning, revoked, refused in time."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.errors import InvalidApiKey, Suspended, TooManyKeys
from accounts.keys import KEYS_MAX, key_create, key_user
from accounts.models import ApiKey
from accounts.services import user_suspend
from tests.accounts.clients import client_for, error_of, user_make

pytestmark = pytest.mark.django_db


def test_key_is_shown_once_and_stored_as_a_hash() -> None:
    client = client_for(user_make())
    response = client.post("/api/keys", {"name": " notebook "})
    body = response.json()
    assert response.status_code == 201
    assert response["Cache-Control"] == "no-store"
    assert body["name"] == "notebook"
    assert body["key"].startswith(body["prefix"])
    assert len(body["key"]) >= len("eugpt-") + 43
    stored = ApiKey.objects.get()
    assert stored.key_hash == hashlib.sha256(body["key"].encode()).hexdigest()
    listed = client.get("/api/keys").json()
    assert listed == [{name: value for name, value in body.items() if name != "key"}]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"name": "x\x00"}, "name"),
        ({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "x", "expires_at": "soon"}, "expires_at"),
        ({"name": "x", "scope": "all"}, "scope"),
    ],
)
def test_key_input_is_checked(body: dict[str, Any], field: str) -> None:
    response = client_for(user_make()).post("/api/keys", body)
    assert error_of(response) == (400, "invalid")
    assert field in response.json()["fields"]
    assert not ApiKey.objects.exists()


def test_keys_are_listed_newest_first_in_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    user = user_make()
    for name in ("a", "b", "c"):
        key_create(user=user, name=name)
    client = client_for(user)
    with django_assert_num_queries(2):  # the user, the keys
        names = [key["name"] for key in client.get("/api/keys").json()]
    assert names == ["c", "b", "a"]


def test_a_user_sees_and_revokes_only_own_keys() -> None:
    ana, ben = user_make("ana"), user_make("ben")
    key, secret = key_create(user=ana, name="mine")
    assert client_for(ben).get("/api/keys").json() == []
    assert error_of(client_for(ben).delete(f"/api/keys/{key.pk}")) == (404, "not_found")
    assert key_user(secret=secret) == ana
    assert client_for(ana).delete(f"/api/keys/{key.pk}").status_code == 204
    assert error_of(client_for(ana).delete(f"/api/keys/{key.pk}")) == (404, "not_found")
    with pytest.raises(InvalidApiKey):
        key_user(secret=secret)


def test_keys_need_a_session_and_not_a_key() -> None:
    _, secret = key_create(user=user_make(), name="k")
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    assert error_of(client.get("/api/keys")) == (401, "not_authenticated")
    assert error_of(Client().post("/api/keys")) == (401, "not_authenticated")


@pytest.mark.parametrize("secret", ["", "eugpt-", "eugpt-" + "A" * 43, "é", "eugpt-" + "x" * 5000])
def test_unknown_key_is_refused(secret: str) -> None:
    key_create(user=user_make(), name="k")
    with pytest.raises(InvalidApiKey):
        key_user(secret=secret)


def test_expired_key_is_refused() -> None:
    key, secret = key_create(user=user_make(), name="k", expires_at=timezone.now())
    with pytest.raises(InvalidApiKey):
        key_user(secret=secret)
    ApiKey.objects.filter(pk=key.pk).update(expires_at=timezone.now() + timedelta(minutes=5))
    key_user(secret=secret)


def test_key_of_a_suspended_user_is_refused() -> None:
    user = user_make()
    _, secret = key_create(user=user, name="k")
    user_suspend(user=user)
    with pytest.raises(Suspended):
        key_user(secret=secret)


def test_use_is_noted_at_most_once_a_minute(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    key, secret = key_create(user=user_make(), name="k")
    with django_assert_num_queries(2):
        key_user(secret=secret)
    key.refresh_from_db()
    first = key.last_used_at
    assert first is not None
    with django_assert_num_queries(1):
        key_user(secret=secret)
    ApiKey.objects.update(last_used_at=first - timedelta(seconds=61))
    key_user(secret=secret)
    key.refresh_from_db()
    assert key.last_used_at is not None
    assert key.last_used_at >= first


def test_one_account_has_a_limited_number_of_keys() -> None:
    user = user_make()
    for number in range(KEYS_MAX):
        key_create(user=user, name=str(number))
    response = client_for(user).post("/api/keys", {"name": "one more"})
    assert error_of(response) == (409, "too_many_keys")
    key_create(user=user_make("ben"), name="another's")


@pytest.mark.django_db(transaction=True)
def test_the_number_of_keys_cannot_be_raced_past() -> None:
    user = user_make()
    for number in range(KEYS_MAX - 2):
        key_create(user=user, name=str(number))

    def create(number: int) -> bool:
        try:
            key_create(user=user, name=f"racer {number}")
        except TooManyKeys:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(create, range(6))) == 2
    assert ApiKey.objects.count() == KEYS_MAX


def test_admin_lists_and_revokes_keys() -> None:
    key, secret = key_create(user=user_make("ana"), name="notebook")
    client = Client()
    client.force_login(user_make("root", is_staff=True, is_superuser=True))
    page = client.get("/admin/accounts/apikey/?q=ana")
    assert b"notebook" in page.content
    assert client.get("/admin/accounts/apikey/add/").status_code == 403
    detail = client.get(f"/admin/accounts/apikey/{key.pk}/change/").content.decode()
    assert 'name="name"' not in detail
    assert key.key_hash not in detail
    action = {"action": "revoke", "_selected_action": [key.pk]}
    client.post("/admin/accounts/apikey/", action)
    with pytest.raises(InvalidApiKey):
        key_user(secret=secret)
