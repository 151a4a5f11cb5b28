"""Guests who lie: made-up cookies and addresses, and ids of other people's replies."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.core import signing
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.guests import LIFETIME, guest_read
from chat.generation.owner import Owner
from chat.generation.submit import generation_submit
from chat.models import Generation
from tests.accounts.clients import client_for, user_make
from tests.chat_delivery.conftest import sent, tiny, tiny_folder
from tests.support.stack import Stack

__all__ = ["sent", "tiny", "tiny_folder"]

ALLOWED = 3


@pytest.mark.parametrize(
    "made",
    [
        signing.TimestampSigner(salt="eugpt.device").sign("x"),
        signing.TimestampSigner(key="another key", salt="eugpt.guest").sign("x"),
        signing.Signer(salt="eugpt.device").sign("x:1xVMno"),
        signing.dumps("x"),
    ],
)
def test_what_was_signed_for_something_else_is_no_guests_cookie(made: str) -> None:
    assert guest_read({settings.GUEST_COOKIE_NAME: made}) == ""


def test_an_old_cookie_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = APIClient().get("/api/quota").cookies[settings.GUEST_COOKIE_NAME].value
    assert guest_read({settings.GUEST_COOKIE_NAME: cookie})
    later = (timezone.now() + LIFETIME + timedelta(minutes=1)).timestamp()
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    assert guest_read({settings.GUEST_COOKIE_NAME: cookie}) == ""


@pytest.mark.usefixtures("tiny", "sent")
def test_who_knows_the_id_of_a_guests_reply_may_follow_stop_and_keep_it() -> None:
    """The id, 122 random bits, is what a guest's reply is known by: docs/security.md says so. It
    opens nothing else, and nothing of a member's.
    """
    ana, stranger = user_make("ana"), APIClient(REMOTE_ADDR="198.51.100.1")
    mine = generation_submit(owner=Owner.member(ana), text="zanzibar").generation_id
    theirs = generation_submit(owner=Owner.guest("192.0.2.7"), text="zanzibar").generation_id
    ben = client_for(user_make("ben"))
    for client in (stranger, ben):
        assert client.get(f"/api/generations/{mine}").status_code == 404
        assert client.post(f"/api/generations/{mine}/cancel").status_code == 404
        answer = client.get(f"/api/generations/{theirs}")
        assert answer.status_code == 200
        assert "zanzibar" not in json.dumps(answer.json()), "the prompt is not told"
    keep = {"turns": [{"role": "user", "content": "hi"}], "generation": str(mine)}
    assert ben.post("/api/conversations/keep", keep).status_code == 404
    kept = ben.post("/api/conversations/keep", {**keep, "generation": str(theirs)})
    assert kept.status_code == 201
    assert "zanzibar" not in json.dumps(kept.json())
    # From now on it is Ben's, and nobody else's any more.
    assert stranger.get(f"/api/generations/{theirs}").status_code == 404
    assert stranger.post(f"/api/generations/{theirs}/cancel").status_code == 404
    assert client_for(ana).post("/api/conversations/keep", {
        **keep, "generation": str(theirs),
    }).status_code == 404  # fmt: skip
    assert Generation.objects.get(pk=mine).status == "queued"


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_neither_cookies_nor_addresses_that_are_made_up_give_more_prompts(stack: Stack) -> None:
    """Behind one proxy the address that it saw counts, behind none the connection's."""
    env = {
        "EUGPT_LIMITS": "on",
        "EUGPT_GUEST_ADDRESS_RATE": f"{ALLOWED} per hour",
        "EUGPT_CORS_ORIGINS": "http://app.example.org",
    }
    with (
        stack.more_web(env) as direct,
        stack.more_web({**env, "EUGPT_PROXY_HOPS": "1"}) as proxied,
    ):
        for base, last in ((direct, ""), (proxied, ", 203.0.113.60")):
            codes = [prompt(base, f"198.51.100.{n}{last}") for n in range(ALLOWED + 3)]
            assert codes == [200] * ALLOWED + [429] * 3
        assert prompt(proxied, "198.51.100.1, 203.0.113.61") == 200
        assert_admin_is_no_front_ends(proxied)


def prompt(base: str, said: str) -> int:
    """A new guest each time, with an address of its own as it says."""
    with httpx.Client(base_url=base, timeout=60) as client:
        client.get("/api/quota")
        body = {"message": "hi", "params": {"max_tokens": 1, "min_tokens": 1}}
        headers = {"X-Forwarded-For": said}
        return client.post("/api/chat/guest", json=body, headers=headers).status_code


def assert_admin_is_no_front_ends(base: str) -> None:
    """A front end elsewhere may refresh its session; to the admin's forms it is a stranger."""
    origin: dict[str, Any] = {"Origin": "http://app.example.org"}
    # An address of its own: other tests use up the sign-ins of the usual one.
    own = {"X-Forwarded-For": "203.0.113.62"}
    with httpx.Client(base_url=base, timeout=60, headers=own) as client:
        assert client.post("/api/auth/refresh", headers=origin).status_code == 401
        client.get("/admin/login/")
        form = {"csrfmiddlewaretoken": client.cookies["csrftoken"], "username": "x"}
        assert client.post("/admin/login/", data=form, headers=origin).status_code == 403
        assert client.post("/admin/login/", data=form).status_code == 200
