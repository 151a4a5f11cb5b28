"""Access and refresh tokens that somebody made, stole or kept: none of them lets anybody in."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken

from accounts.models import User
from accounts.services import sessions_end_all, user_suspend
from accounts.tokens import ROTATION_GRACE, TokenPair, tokens_issue
from tests.accounts.clients import COOKIE, PASSWORD, error_of, user_make

pytestmark = pytest.mark.django_db

Claims = dict[str, Any]
REFUSED = (401, "not_authenticated")
# One of each kind of view: REST, one that sells sockets, one that streams.
DOORS = [("get", "/api/auth/me"), ("post", "/api/auth/ws-ticket"), ("post", "/api/chat")]


@pytest.fixture
def ana() -> User:
    return user_make()


@pytest.fixture
def pair(ana: User) -> TokenPair:
    return tokens_issue(user=ana)


def claims_of(token: str) -> Claims:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def segment(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(claims: Claims, key: str | None = None, algorithm: str = "HS256", **header: Any) -> str:
    """By default with the server's own key: what is refused then is refused for its claims."""
    key = api_settings.SIGNING_KEY if key is None else key
    return str(jwt.encode(claims, key, algorithm, headers=header or None))


def unsigned(claims: Claims, algorithm: str) -> str:
    return f"{segment({'alg': algorithm, 'typ': 'JWT'})}.{segment(claims)}."


def knock(token: str) -> list[tuple[int, str]]:
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {token}")
    return [error_of(getattr(client, method)(path, format="json")) for method, path in DOORS]


def refresh(token: str) -> Any:
    client = APIClient()
    client.cookies[COOKIE] = token
    return client.post("/api/auth/refresh")


def test_a_token_made_here_is_let_in(pair: TokenPair) -> None:
    """Else the refusals below would prove nothing."""
    again = signed(claims_of(pair.access))
    assert APIClient(HTTP_AUTHORIZATION=f"Bearer {again}").get("/api/auth/me").status_code == 200
    assert refresh(signed(claims_of(pair.refresh))).status_code == 200


FORGERIES: dict[str, Callable[[Claims], str]] = {
    "no signature": lambda claims: unsigned(claims, "none"),
    "no signature, in capitals": lambda claims: unsigned(claims, "NONE"),
    "no signature, mixed": lambda claims: unsigned(claims, "nOnE"),
    "an empty signature": lambda claims: unsigned(claims, "HS256"),
    "a key of somebody else": lambda claims: signed(claims, "somebody-else" * 5),
    # What signs sessions and cookies must not sign tokens.
    "the key of the rest": lambda claims: signed(claims, settings.SECRET_KEY),
    "the right key, another algorithm": lambda claims: signed(claims, algorithm="HS512"),
    "a key named by the token": lambda claims: signed(claims, "x" * 64, kid="../../dev/null"),
    "a key brought along": lambda claims: signed(
        claims, "x" * 64, jwk={"kty": "oct", "k": segment(b"x" * 64)}
    ),
    "an address of keys": lambda claims: signed(claims, "x" * 64, jku="http://127.0.0.1:1/keys"),
    "a critical header": lambda claims: signed(claims, crit=["b64"], b64=False),
    "expired": lambda claims: signed({**claims, "exp": int(time.time()) - 1}),
    "never expires": lambda claims: signed({k: v for k, v in claims.items() if k != "exp"}),
    "not yet good": lambda claims: signed({**claims, "nbf": int(time.time()) + 600}),
    "without a kind": lambda claims: signed({k: v for k, v in claims.items() if k != "token_type"}),
    "of an unknown kind": lambda claims: signed({**claims, "token_type": "admin"}),
    "without a session": lambda claims: signed({k: v for k, v in claims.items() if k != "sid"}),
    "a session that never was": lambda claims: signed({**claims, "sid": "0" * 32}),
    "a later version": lambda claims: signed({**claims, "ver": claims["ver"] + 1}),
    "without a version": lambda claims: signed({k: v for k, v in claims.items() if k != "ver"}),
    "without a user": lambda claims: signed({k: v for k, v in claims.items() if k != "user_id"}),
    "a user that is no number": lambda claims: signed({**claims, "user_id": "1 OR 1=1"}),
    "a user beyond all numbers": lambda claims: signed({**claims, "user_id": "9" * 40}),
    "claims that are no object": lambda claims: f"{segment({'alg': 'HS256'})}.{segment([1])}.x",
    "no token at all": lambda claims: "a.b.c",
    "a long one": lambda claims: "a" * 60_000,
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_access_tokens(pair: TokenPair, name: str) -> None:
    assert knock(FORGERIES[name](claims_of(pair.access))) == [REFUSED] * len(DOORS)


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_refresh_tokens(pair: TokenPair, name: str) -> None:
    assert error_of(refresh(FORGERIES[name](claims_of(pair.refresh)))) == REFUSED


def test_a_session_of_somebody_else(pair: TokenPair) -> None:
    other = tokens_issue(user=user_make("bob"))
    stolen = {**claims_of(other.access), "sid": claims_of(pair.access)["sid"]}
    assert knock(signed(stolen)) == [REFUSED] * len(DOORS)


def test_kinds_are_not_exchanged(pair: TokenPair) -> None:
    assert knock(pair.refresh) == [REFUSED] * len(DOORS)
    assert error_of(refresh(pair.access)) == REFUSED


@pytest.mark.parametrize("name", ["token", "access_token", "jwt", "ticket"])
def test_tokens_in_the_address_are_not_read(pair: TokenPair, name: str) -> None:
    """They would stand in logs and histories."""
    assert error_of(APIClient().get(f"/api/auth/me?{name}={pair.access}")) == REFUSED


def test_the_cookie_alone_does_nothing(pair: TokenPair) -> None:
    """So that no other site can act by it."""
    client = APIClient()
    client.cookies[COOKIE] = pair.refresh
    assert error_of(client.get("/api/auth/me")) == REFUSED
    assert error_of(client.post("/api/chat", {"message": "hi"}, format="json")) == REFUSED


def _change_password(ana: User, pair: TokenPair) -> None:
    """In another session: the one that changes it goes on."""
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {tokens_issue(user=ana).access}")
    body = {"old_password": PASSWORD, "new_password": "staple wrong donkey 9"}
    assert client.post("/api/auth/password", body, format="json").status_code == 200


def _log_out(ana: User, pair: TokenPair) -> None:
    client = APIClient()
    client.cookies[COOKIE] = pair.refresh
    assert client.post("/api/auth/logout").status_code == 204


def _use_the_refresh_token_again(ana: User, pair: TokenPair) -> None:
    assert refresh(pair.refresh).status_code == 200
    BlacklistedToken.objects.update(blacklisted_at=timezone.now() - ROTATION_GRACE)
    assert error_of(refresh(pair.refresh)) == REFUSED


@pytest.mark.parametrize(
    "act",
    [
        _change_password,
        _log_out,
        _use_the_refresh_token_again,
        lambda ana, pair: sessions_end_all(user=ana),
        lambda ana, pair: ana.delete(),
    ],
    ids=["password", "logout", "reuse", "logout-all", "deletion"],
)
def test_tokens_from_before(
    ana: User, pair: TokenPair, act: Callable[[User, TokenPair], None]
) -> None:
    act(ana, pair)
    assert knock(pair.access) == [REFUSED] * len(DOORS)
    assert error_of(refresh(pair.refresh)) == REFUSED


def test_tokens_from_before_a_suspension(ana: User, pair: TokenPair) -> None:
    user_suspend(user=ana)
    assert knock(pair.access) == [(403, "suspended")] * len(DOORS)
    assert error_of(refresh(pair.refresh)) == (403, "suspended")
