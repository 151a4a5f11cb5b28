"""What signs what: tokens have a key of their own, and no other signature passes for theirs."""

import base64
import json
import time
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.core import signing
from rest_framework.test import APIClient
from rest_framework_simplejwt.settings import api_settings

from accounts.tokens import TokenPair, tokens_issue
from eugpt.config import purpose_key
from tests.accounts.clients import COOKIE, error_of, user_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair() -> TokenPair:
    return tokens_issue(user=user_make())


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        token, str(api_settings.SIGNING_KEY), algorithms=["HS256"], options={"verify_exp": False}
    )
    return claims


def me(token: str) -> Any:
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {token}").get("/api/auth/me")


def unsigned(claims: dict[str, Any], algorithm: str) -> str:
    parts = ({"alg": algorithm, "typ": "JWT"}, claims)
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join([*coded, b""]).decode()


def test_an_access_token_lives_ten_minutes(pair: TokenPair) -> None:
    claims = claims_of(pair.access)
    assert claims["exp"] - claims["iat"] == 600
    assert me(pair.access).status_code == 200


def test_tokens_are_not_signed_with_the_secret_itself(pair: TokenPair) -> None:
    assert api_settings.SIGNING_KEY != settings.SECRET_KEY
    assert purpose_key("s", "jwt") != purpose_key("s", "other") != purpose_key("t", "other")
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(pair.access, settings.SECRET_KEY, algorithms=["HS256"])


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "HS256"])
def test_tokens_without_a_signature_are_refused(pair: TokenPair, algorithm: str) -> None:
    forged = unsigned(claims_of(pair.access), algorithm)
    assert error_of(me(forged)) == (401, "not_authenticated")


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (settings.SECRET_KEY, "HS256"),
        (str(api_settings.SIGNING_KEY), "HS512"),
        (str(api_settings.SIGNING_KEY), "HS384"),
        (purpose_key("another secret", "jwt"), "HS256"),
    ],
)
def test_other_keys_and_algorithms_are_refused(pair: TokenPair, key: str, algorithm: str) -> None:
    claims = claims_of(pair.access) | {"exp": int(time.time()) + 600}
    forged = jwt.encode(claims, key, algorithm=algorithm)
    assert error_of(me(forged)) == (401, "not_authenticated")


def test_each_kind_of_token_is_good_for_its_own_use(pair: TokenPair) -> None:
    assert error_of(me(pair.refresh)) == (401, "not_authenticated")
    client = APIClient()
    client.cookies[COOKIE] = pair.access
    assert error_of(client.post("/api/auth/refresh", {})) == (401, "not_authenticated")
    assert error_of(me(signing.dumps(claims_of(pair.access)))) == (401, "not_authenticated")


def test_an_expired_token_is_refused(pair: TokenPair) -> None:
    claims = claims_of(pair.access) | {"exp": int(time.time()) - 1}
    late = jwt.encode(claims, str(api_settings.SIGNING_KEY), algorithm="HS256")
    assert error_of(me(late)) == (401, "not_authenticated")
