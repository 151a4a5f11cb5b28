"""A password that is set by whatever way ends the sessions; the staff's end with all others."""

import io
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.management import call_command
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Session, User
from accounts.services import sessions_end_all, user_suspend
from tests.accounts.clients import PASSWORD, client_for, error_of, user_make
from tests.accounts.test_own_sessions import browser, refreshed

pytestmark = pytest.mark.django_db
NEW = "staple wrong donkey"


def staff_make(name: str = "boss") -> User:
    return user_make(name, is_staff=True, is_superuser=True)


def admin_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    assert is_in(client)
    return client


def is_in(client: Client) -> bool:
    return client.get("/admin/accounts/user/").status_code == 200


def by_admin(user: User) -> None:
    form = {"usable_password": "true", "password1": NEW, "password2": NEW}
    response = admin_of(staff_make()).post(f"/admin/accounts/user/{user.pk}/password/", form)
    assert response.status_code == 302


def by_admin_unusable(user: User) -> None:
    form = {"usable_password": "false", "unset-password": "1"}
    response = admin_of(staff_make()).post(f"/admin/accounts/user/{user.pk}/password/", form)
    assert response.status_code == 302


def by_command(user: User, monkeypatch: Any) -> None:
    monkeypatch.setattr("getpass.getpass", lambda prompt="": NEW)
    call_command("changepassword", "ana", stdout=io.StringIO())


def by_hand(user: User) -> None:
    user.set_password(NEW)
    user.save()


def by_hash(user: User) -> None:
    user.set_unusable_password()
    user.save()


@pytest.mark.parametrize("way", [by_admin, by_admin_unusable, by_command, by_hand, by_hash])
def test_a_password_set_by_any_way_ends_the_sessions(
    way: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, other = user_make("ana"), browser(user_make("ben"))
    phone = browser(user)
    admin = admin_of(staff_make("ana2"))
    if way is by_command:
        way(user, monkeypatch)
    else:
        way(user)
    assert not User.objects.get(pk=user.pk).check_password(PASSWORD)
    assert error_of(phone.get("/api/auth/me")) == (401, "not_authenticated")
    assert error_of(refreshed(phone)) == (401, "not_authenticated")
    assert not Session.objects.filter(user=user).exists()
    assert other.get("/api/auth/me").status_code == 200
    assert is_in(admin)


def test_the_copy_of_somebody_who_read_the_user_earlier_brings_no_token_back() -> None:
    early = User.objects.get(pk=user_make("ana").pk)
    sessions_end_all(user=early)
    stale = User.objects.get(pk=early.pk)
    sessions_end_all(user=early)
    stale.save()
    assert User.objects.get(pk=early.pk).token_version == 2


def test_what_is_no_new_password_ends_nothing(settings: Any) -> None:
    user = user_make("ana")
    phone = browser(user)
    user.username = "anna"
    user.save()
    older = PBKDF2PasswordHasher().encode(PASSWORD, "salt" * 6, 1000)
    User.objects.filter(pk=user.pk).update(password=older)
    body = {"username": "anna", "password": PASSWORD}
    assert APIClient().post("/api/auth/login", body).status_code == 200
    assert User.objects.get().password.startswith("argon2"), "made anew at its sign-in"
    assert phone.get("/api/auth/me").status_code == 200


def test_changing_it_in_the_admin_keeps_the_admin_session_and_ends_the_others() -> None:
    boss = staff_make()
    here, there, page = admin_of(boss), admin_of(boss), browser(boss)
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert here.post("/admin/password_change/", form).status_code == 302
    assert is_in(here)
    assert not is_in(there)
    assert error_of(page.get("/api/auth/me")) == (401, "not_authenticated")


@pytest.mark.parametrize("end", ["logout-all", "password", "service", "suspension"])
def test_an_admin_session_ends_with_all_others(end: str) -> None:
    boss = staff_make()
    admin, client = admin_of(boss), client_for(boss)
    if end == "logout-all":
        assert client.post("/api/auth/logout-all", {}).status_code == 204
    elif end == "password":
        body = {"old_password": PASSWORD, "new_password": NEW}
        assert client.post("/api/auth/password", body).status_code == 200
    elif end == "service":
        sessions_end_all(user=boss)
    else:
        user_suspend(user=boss)
    assert not is_in(admin)
