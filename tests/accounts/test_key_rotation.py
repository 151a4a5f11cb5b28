"""Rotating EUGPT_SECRET_KEY signs nobody out; removing a key signs out everybody it signed for."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import jwt
import pytest
from django.conf import settings
from django.test import Client, RequestFactory, override_settings
from django_otp.plugins.otp_static.models import StaticToken
from rest_framework.test import APIClient

from accounts import signing_keys
from accounts.devices_cookie import device_know, device_read
from accounts.email_links import LinkKind, link_make, link_user
from accounts.errors import InvalidLink
from accounts.guests import guest_read, guest_remember
from accounts.keys import key_create, key_user
from accounts.models import User
from accounts.tokens import tokens_issue, tokens_rotate
from eugpt.config import purpose_key
from moderation.second_factor import Wrong, code_check, codes_renew
from tests.accounts.clients import COOKIE, PASSWORD, error_of, user_make

pytestmark = pytest.mark.django_db

OLD, NEW = "an-old-key-" * 5, "a-newer-key-" * 5


@contextmanager
def keys(current: str, *older: str) -> Iterator[None]:
    """The settings of a process with these keys, made as eugpt/settings.py makes them."""
    changed = override_settings(
        SECRET_KEY=current,
        SECRET_KEY_FALLBACKS=list(older),
        JWT_FALLBACK_KEYS=[purpose_key(key, "jwt") for key in older],
        SIMPLE_JWT={**settings.SIMPLE_JWT, "SIGNING_KEY": purpose_key(current, "jwt")},
    )
    with changed:
        backend = signing_keys.RotatingTokenBackend("HS256", purpose_key(current, "jwt"))
        with (
            mock.patch.object(signing_keys.AccessToken, "_token_backend", backend),
            mock.patch.object(signing_keys.RefreshToken, "_token_backend", backend),
        ):
            yield


def me(access: str) -> Any:
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {access}").get("/api/auth/me")


def refreshed(refresh: str) -> Any:
    client = APIClient(HTTP_ORIGIN="http://testserver")
    client.cookies[COOKIE] = refresh
    return client.post("/api/auth/refresh")


def test_tokens_of_the_old_key_go_on_and_become_those_of_the_new_one() -> None:
    with keys(OLD):
        pair = tokens_issue(user=user_make())
    with keys(NEW, OLD):
        assert me(pair.access).status_code == 200
        answer = refreshed(pair.refresh)
        assert answer.status_code == 200
        fresh = answer.cookies[COOKIE].value
    with keys(NEW):
        assert me(answer.json()["token"]).status_code == 200
        assert refreshed(fresh).status_code == 200
        assert error_of(me(pair.access)) == (401, "not_authenticated")
        assert error_of(refreshed(pair.refresh)) == (401, "not_authenticated")


def test_a_process_that_only_accepts_the_new_key_serves_those_that_sign_with_it() -> None:
    """The first step of a rotation over several processes."""
    with keys(NEW, OLD):
        pair = tokens_issue(user=user_make())
    with keys(OLD, NEW):
        assert me(pair.access).status_code == 200
        assert tokens_rotate(raw_refresh=pair.refresh).access


def test_an_expired_token_of_an_old_key_is_expired() -> None:
    with keys(OLD):
        pair = tokens_issue(user=user_make())
    old = purpose_key(OLD, "jwt")
    claims = jwt.decode(pair.access, old, algorithms=["HS256"])
    late = jwt.encode(claims | {"exp": int(time.time()) - 5}, old, algorithm="HS256")
    with keys(NEW, OLD):
        assert error_of(me(late)) == (401, "not_authenticated")


def test_the_secret_itself_and_other_purposes_sign_no_tokens() -> None:
    with keys(OLD):
        pair = tokens_issue(user=user_make())
    claims = jwt.decode(pair.access, purpose_key(OLD, "jwt"), algorithms=["HS256"])
    with keys(NEW, OLD):
        for key in (OLD, NEW, purpose_key(OLD, "other")):
            assert me(jwt.encode(claims, key, algorithm="HS256")).status_code == 401


def test_cookies_of_guests_and_devices_stay_known() -> None:
    user, request, response = user_make(), RequestFactory().get("/api/auth/login"), mock.Mock()
    with keys(OLD):
        number = guest_remember(response, {})
        device_know(request, response, user=user)
    guest, device = (call.args[1] for call in response.set_cookie.call_args_list)
    cookies = {settings.GUEST_COOKIE_NAME: guest}
    request.COOKIES[settings.DEVICE_COOKIE_NAME] = device
    with keys(NEW, OLD):
        assert guest_read(cookies) == number
        assert device_read(request).knows(user)
    with keys(NEW):
        assert guest_read(cookies) == ""
        assert not device_read(request).knows(user)


@pytest.mark.parametrize("kind", list(LinkKind))
def test_links_in_mails_that_are_under_way_still_lead_somewhere(kind: LinkKind) -> None:
    user = user_make(email="ana@example.org")
    with keys(OLD):
        token = link_make(kind=kind, user=user).split("#token=")[1]
    with keys(NEW, OLD):
        assert link_user(kind=kind, token=token) == user
        User.objects.update(password="changed")
        with pytest.raises(InvalidLink):
            link_user(kind=kind, token=token)
        User.objects.update(password=user.password)
    with keys(NEW), pytest.raises(InvalidLink):
        link_user(kind=kind, token=token)


def test_the_staff_stays_signed_in() -> None:
    user = user_make(is_staff=True, is_superuser=True)
    browser, other = Client(), Client()
    with keys(OLD):
        browser.force_login(user)
        other.cookies.update(browser.cookies)
    with keys(NEW, OLD):
        assert browser.get("/admin/").status_code == 200
    with keys(NEW):
        assert browser.get("/admin/").status_code == 200
        assert other.get("/admin/").status_code == 302


def test_backup_codes_are_taken_once_under_any_accepted_key() -> None:
    user = user_make(is_staff=True)
    with keys(OLD):
        first, second, *_ = codes_renew(user=user)
    with keys(NEW, OLD):
        assert not isinstance(code_check(user=user, code=first), Wrong)
        assert StaticToken.objects.count() == 9
        assert isinstance(code_check(user=user, code=first), Wrong)
    with keys(NEW):
        assert isinstance(code_check(user=user, code=second), Wrong)


def test_passwords_and_api_keys_do_not_depend_on_the_key() -> None:
    user = user_make()
    _, secret = key_create(user=user, name="mine")
    with keys(NEW):
        assert key_user(secret=secret) == user
        assert User.objects.get().check_password(PASSWORD)
