"""Refresh, logout, suspension and WebSocket tickets."""

import time
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts import tickets, tokens
from accounts.models import User
from accounts.services import user_reactivate, user_suspend
from accounts.store import async_redis_client, redis_client
from accounts.tasks import prune
from tests.accounts.clients import COOKIE, client_for, error_of, user_make

pytestmark = pytest.mark.django_db


def _client_with(refresh: str) -> APIClient:
    client = APIClient()
    client.cookies[COOKIE] = refresh
    return client


def _refresh(refresh: str) -> Any:
    return _client_with(refresh).post("/api/auth/refresh")


def _end_grace() -> None:
    BlacklistedToken.objects.update(blacklisted_at=timezone.now() - tokens.ROTATION_GRACE)


def test_refresh_rotates_the_cookie_and_answers_a_token() -> None:
    pair = tokens.tokens_issue(user=user_make())
    response = _refresh(pair.refresh)
    assert response.status_code == 200
    assert set(response.json()) == {"token"}
    assert response.cookies[COOKIE].value != pair.refresh
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {response.json()['token']}")
    assert client.get("/api/auth/me").status_code == 200


def test_refresh_of_a_spent_token_works_only_for_a_moment() -> None:
    pair = tokens.tokens_issue(user=user_make())
    assert _refresh(pair.refresh).status_code == 200
    assert _refresh(pair.refresh).status_code == 200
    _end_grace()
    response = _refresh(pair.refresh)
    assert error_of(response) == (401, "not_authenticated")
    assert response.cookies[COOKIE].value == ""


def test_refresh_of_a_spent_token_fails_after_logout() -> None:
    pair = tokens.tokens_issue(user=user_make())
    successor = _refresh(pair.refresh).cookies[COOKIE].value
    response = _client_with(successor).post("/api/auth/logout")
    assert response.status_code == 204
    assert response.cookies[COOKIE].value == ""
    assert error_of(_refresh(successor)) == (401, "not_authenticated")
    assert error_of(_refresh(pair.refresh)) == (401, "not_authenticated")


@pytest.mark.parametrize("refresh", ["", "nonsense", "a.b.c"])
def test_refresh_without_a_usable_cookie_is_refused(refresh: str) -> None:
    assert error_of(_refresh(refresh)) == (401, "not_authenticated")
    assert _client_with(refresh).post("/api/auth/logout").status_code == 204


def test_refresh_refuses_an_access_token() -> None:
    pair = tokens.tokens_issue(user=user_make())
    assert error_of(_refresh(pair.access)) == (401, "not_authenticated")
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {pair.refresh}")
    assert error_of(client.get("/api/auth/me")) == (401, "not_authenticated")


def test_refresh_from_another_site_is_refused() -> None:
    pair = tokens.tokens_issue(user=user_make())
    headers = {"Origin": "https://evil.example"}
    for path in ("/api/auth/refresh", "/api/auth/logout"):
        response = _client_with(pair.refresh).post(path, headers=headers)
        assert error_of(response) == (403, "foreign_origin")


def test_suspending_ends_every_session_for_good() -> None:
    user = user_make()
    pair, client = tokens.tokens_issue(user=user), client_for(user)
    user_suspend(user=user)
    assert error_of(_refresh(pair.refresh)) == (403, "suspended")
    assert error_of(client.get("/api/auth/me")) == (403, "suspended")
    user_reactivate(user=user)
    assert error_of(_refresh(pair.refresh)) == (401, "not_authenticated")
    assert error_of(client.get("/api/auth/me")) == (401, "not_authenticated")
    assert client_for(user).get("/api/auth/me").status_code == 200


def test_tokens_of_a_deleted_user_are_refused() -> None:
    user = user_make()
    pair, client = tokens.tokens_issue(user=user), client_for(user)
    User.objects.all().delete()
    assert error_of(_refresh(pair.refresh)) == (401, "not_authenticated")
    assert error_of(client.get("/api/auth/me")) == (401, "not_authenticated")


def test_ticket_is_good_once_and_for_half_a_minute() -> None:
    user = user_make(token_version=3)
    response = client_for(user).post("/api/auth/ws-ticket")
    assert response.status_code == 200
    body = response.json()
    assert set(body) == {"ticket", "expires_in"}
    assert body["expires_in"] == 30
    assert 25 <= int(str(redis_client().ttl(tickets.KEY_PREFIX + body["ticket"]))) <= 30
    first, *others = async_to_sync(_redeem_all)(body["ticket"], body["ticket"], "unknown", "")
    assert others == [None, None, None]
    assert first is not None
    assert (first.user_id, first.token_version) == (user.pk, 3)
    assert 595 <= first.expires_at - time.time() <= 600, "the access token's end"


async def _redeem_all(*secrets: str) -> list[tickets.Ticket | None]:
    found = [await tickets.ticket_redeem(secret) for secret in secrets]
    await async_redis_client().aclose()
    return found


def test_ticket_needs_a_token() -> None:
    assert error_of(APIClient().post("/api/auth/ws-ticket")) == (401, "not_authenticated")


def test_prune_deletes_expired_ones_only() -> None:
    user = user_make()
    for _ in range(2):
        tokens.tokens_issue(user=user)
    first = OutstandingToken.objects.earliest("pk")
    OutstandingToken.objects.filter(pk=first.pk).update(
        expires_at=timezone.now() - timedelta(days=1)
    )
    prune()
    assert OutstandingToken.objects.count() == 1
