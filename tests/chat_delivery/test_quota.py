"""Quotas by role, exact and shown; guests are limited by cookie and by address."""

import uuid
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as django_settings
from django.core.management import call_command
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient
from websockets.asyncio.client import connect

from accounts.guests import guest_read, socket_greet
from accounts.models import User
from accounts.store import redis_client
from chat.errors import QueueFull, QuotaExceeded, RateLimited
from chat.generation.submit import Owner, generation_submit
from chat.models import Generation
from chat.visitors import visitor_of
from tests.accounts.clients import PASSWORD, client_for, user_make
from tests.chat_delivery.test_admission import race
from tests.support.stack import Stack
from tests.support.wire import receive, send, until

SHORT = {"max_tokens": 3}
COOKIE = django_settings.GUEST_COOKIE_NAME
ADDRESS_LIMIT = 8


def rates(settings: Settings, **changed: str) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, **changed}


def quota_of(client: APIClient) -> dict[str, Any]:
    body = client.get("/api/quota").json()
    return {**body, "limits": {limit["name"]: limit for limit in body["limits"]}}


def guest_with_cookie(address: str = "192.0.2.7") -> Owner:
    answer = APIClient(REMOTE_ADDR=address).get("/api/quota")
    return Owner.guest(address, {COOKIE: answer.cookies[COOKIE].value})


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("sent")
def test_the_last_of_the_day_are_given_once(tiny_folder: Any, settings: Settings) -> None:
    """Forty at once: five are accepted; nobody else's quota is touched."""
    call_command("load_checkpoint", str(tiny_folder))
    settings.QUEUE_LIMIT_MEMBER = 100
    rates(settings, member_quota="5 per day")
    owner = Owner.member(user_make())
    answers = race([partial(generation_submit, owner=owner, text="hi")] * 40)
    assert answers == {"accepted": 5, "quota_exceeded": 35}
    assert generation_submit(owner=Owner.member(user_make("ben")), text="hi")


@pytest.mark.usefixtures("tiny", "sent")
def test_the_error_says_how_many_and_when(member: Owner, settings: Settings) -> None:
    rates(settings, member_quota="1 per day")
    generation_submit(owner=member, text="hi")
    with pytest.raises(QuotaExceeded) as caught:
        generation_submit(owner=member, text="hi")
    assert caught.value.data["limit"] == 1
    assert 86_000 < caught.value.data["retry_after"] <= 86_400
    assert member.user is not None
    answer = client_for(member.user).post("/api/chat", {"message": "hi"})
    assert (answer.status_code, answer.json()["code"]) == (429, "quota_exceeded")
    assert int(answer["Retry-After"]) > 86_000


@pytest.mark.usefixtures("tiny", "sent")
def test_a_refused_prompt_costs_nothing_of_the_day(user: User, settings: Settings) -> None:
    rates(settings, member_quota="5 per day", prompt="4 per minute")
    member, client = Owner.member(user), client_for(user)
    settings.QUEUE_LIMIT = 1
    generation_submit(owner=member, text="hi", client_id="once")
    generation_submit(owner=member, text="hi", client_id="once")  # sent twice
    for _ in range(3):
        with pytest.raises(QueueFull):
            generation_submit(owner=member, text="hi")
    for _ in range(3):
        with pytest.raises(RateLimited):
            generation_submit(owner=member, text="hi")
    day = quota_of(client)["limits"]["prompts_per_day"]
    assert (day["limit"], day["remaining"]) == (5, 4)


@pytest.mark.usefixtures("tiny", "sent")
def test_roles_have_quotas_of_their_own(settings: Settings) -> None:
    rates(settings, guest_quota="3 per day", member_quota="4 per day", staff_quota="")
    ana, boss = user_make("ana"), user_make("boss", is_staff=True)
    shown = {
        "guest": quota_of(APIClient()),
        "member": quota_of(client_for(ana)),
        "staff": quota_of(client_for(boss)),
    }
    assert {name: body["role"] for name, body in shown.items()} == {name: name for name in shown}
    assert all(body["is_limited"] for body in shown.values())
    days = {name: body["limits"].get("prompts_per_day") for name, body in shown.items()}
    assert days["guest"]["limit"] == 3
    assert days["member"]["limit"] == 4
    assert days["staff"] is None
    assert shown["staff"]["limits"].keys() == {"prompts_per_minute", "running"}
    rates(settings, staff_quota="1 per day")
    owner = Owner.member(boss)
    generation_submit(owner=owner, text="hi")
    with pytest.raises(QuotaExceeded):
        generation_submit(owner=owner, text="hi")


@pytest.mark.usefixtures("tiny", "sent")
def test_the_state_is_shown_without_counting(user: User) -> None:
    client = client_for(user)
    generation_submit(owner=Owner.member(user), text="hi")
    for _ in range(5):
        limits = quota_of(client)["limits"]
    assert limits["prompts_per_minute"]["remaining"] == 59
    assert 0 < limits["prompts_per_minute"]["reset_s"] <= 60
    assert limits["prompts_per_day"]["remaining"] == 1999
    assert limits["running"] == {
        "name": "running", "limit": 8, "remaining": 7, "reset_s": 0, "window_s": 0,
    }  # fmt: skip
    Generation.objects.update(status="completed", finish_reason="stop")
    assert quota_of(client)["limits"]["running"]["remaining"] == 8


@pytest.mark.django_db
def test_without_limits_there_is_no_quota(settings: Settings) -> None:
    settings.LIMITS_ENABLED = False
    assert quota_of(APIClient()) == {"role": "guest", "is_limited": False, "limits": {}}


@pytest.mark.django_db
def test_a_bad_token_is_no_guest() -> None:
    client = APIClient(headers={"Authorization": "Bearer nonsense"})
    answer = client.get("/api/quota")
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_authenticated"


@pytest.mark.django_db
def test_the_cookie_is_given_once_and_is_out_of_reach_of_scripts() -> None:
    client = APIClient()
    cookie = client.get("/api/quota").cookies[COOKIE]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"]) == ("Lax", "/")
    assert guest_read({COOKIE: cookie.value})
    assert COOKIE not in client.get("/api/quota").cookies
    assert COOKIE not in client_for(user_make()).get("/api/quota").cookies, "members need none"


@pytest.mark.usefixtures("tiny", "sent")
def test_guests_of_one_address_have_limits_of_their_own(settings: Settings) -> None:
    rates(settings, guest_prompt="2 per minute", guest_address="5 per minute")
    ana, ben, cleo = (guest_with_cookie() for _ in range(3))
    for owner in (ana, ben):
        for _ in range(2):
            generation_submit(owner=owner, text="hi")
        with pytest.raises(RateLimited):
            generation_submit(owner=owner, text="hi")
    generation_submit(owner=cleo, text="hi")
    with pytest.raises(RateLimited):  # all of the address together
        generation_submit(owner=cleo, text="hi")
    assert generation_submit(owner=guest_with_cookie("198.51.100.1"), text="hi")


@pytest.mark.usefixtures("tiny", "sent")
@pytest.mark.parametrize(
    "forged",
    ["", "x", "abc:1vN:def", "x" * 5000, "\x00", "abc:abc:abc", "é:é:é"],
)
def test_without_a_cookie_of_ours_the_address_is_one_guest(settings: Settings, forged: str) -> None:
    """Whatever is sent in its place: the next made-up one finds the same limit."""
    rates(settings, guest_prompt="2 per minute", guest_address="100 per minute")
    for number in range(2):
        generation_submit(owner=Owner.guest("192.0.2.9"), text=f"{number}")
    with pytest.raises(RateLimited):
        generation_submit(owner=Owner.guest("192.0.2.9", {COOKIE: forged}), text="hi")


@pytest.mark.usefixtures("tiny", "sent")
def test_a_cookie_changed_by_a_letter_is_none(settings: Settings) -> None:
    good = APIClient().get("/api/quota").cookies[COOKIE].value
    assert guest_read({COOKIE: good})
    for at in (0, len(good) // 2, -1):
        letters = list(good)
        letters[at] = "A" if letters[at] != "A" else "B"
        assert not guest_read({COOKIE: "".join(letters)}) or letters[at] == good[at], at


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("sent")
def test_cookies_thrown_away_give_no_more_than_the_address_has(
    tiny_folder: Any, settings: Settings
) -> None:
    """Thirty new cookies of one address at once; and a day's quota for all of them together."""
    call_command("load_checkpoint", str(tiny_folder))
    settings.QUEUE_LIMIT_GUEST = 100
    rates(settings, guest_prompt="5 per minute", guest_address="7 per minute")
    owners = [guest_with_cookie() for _ in range(30)]
    answers = race([partial(generation_submit, owner=owner, text="hi") for owner in owners])
    assert answers == {"accepted": 7, "rate_limited": 23}
    rates(settings, guest_address="1000 per minute", guest_address_quota="9 per day")
    answers = race([partial(generation_submit, owner=owner, text="hi") for owner in owners])
    assert answers == {"accepted": 2, "quota_exceeded": 28}


@pytest.mark.usefixtures("tiny", "sent")
def test_the_first_socket_counts_by_the_cookie_it_is_given_and_as_one_without(
    settings: Settings,
) -> None:
    """What it has asked is told to its cookie; and new cookies do not begin anew."""
    rates(settings, guest_quota="3 per day", guest_address_quota="100 per day")
    scope = {"headers": [], "client": ["192.0.2.7", 1], "query_string": b""}
    for _ in range(3):
        headers, given = socket_greet(scope)
        owner = async_to_sync(visitor_of)(scope, given).owner
        generation_submit(owner=owner, text="hi")
        cookie = headers[0][1].decode().partition(";")[0].partition("=")[2]
        client = APIClient(REMOTE_ADDR="192.0.2.7")
        client.cookies[COOKIE] = cookie
        assert quota_of(client)["limits"]["prompts_per_day"]["remaining"] == 2
    with pytest.raises(QuotaExceeded):
        generation_submit(owner=owner, text="hi")


@pytest.mark.usefixtures("tiny", "sent")
def test_a_guest_is_told_what_is_left_of_both(settings: Settings) -> None:
    rates(settings, guest_prompt="10 per minute", guest_address="12 per minute")
    client = APIClient(REMOTE_ADDR="192.0.2.7")
    client.get("/api/quota")
    owner = Owner.guest("192.0.2.7", {COOKIE: client.cookies[COOKIE].value})
    for _ in range(3):
        generation_submit(owner=owner, text="hi")
    assert quota_of(client)["limits"]["prompts_per_minute"]["remaining"] == 7
    for other in (guest_with_cookie() for _ in range(6)):
        generation_submit(owner=other, text="hi")
    minute = quota_of(client)["limits"]["prompts_per_minute"]
    assert (minute["limit"], minute["remaining"]) == (10, 3)


@pytest.mark.usefixtures("tiny", "sent")
def test_a_deleted_account_leaves_no_key(
    user: User, django_capture_on_commit_callbacks: Any
) -> None:
    client = client_for(user)
    generation_submit(owner=Owner.member(user), text="hi")
    name = f"*u:{user.pk}*"
    assert {key.split(":")[2] for key in redis_client().scan_iter(name) if ":limit:" in key} == {
        "prompt",
        "member_quota",
    }
    with django_capture_on_commit_callbacks(execute=True):
        assert client.delete("/api/auth/me", {"password": PASSWORD}).status_code == 204
    assert not list(redis_client().scan_iter(name))


@pytest.fixture
def limited(stack: Stack) -> Iterator[str]:
    env = {
        "EUGPT_LIMITS": "on",
        "EUGPT_GUEST_PROMPT_RATE": "3 per hour",
        "EUGPT_GUEST_ADDRESS_RATE": f"{ADDRESS_LIMIT} per hour",
    }
    with stack.more_web(env) as url:
        yield url


async def over_socket(url: str, cookie: str, count: int) -> tuple[Counter[str], str]:
    """What became of so many prompts, and the cookie that the handshake set."""
    headers = {"Cookie": f"{COOKIE}={cookie}"} if cookie else {}
    ws_url = f"{url.replace('http', 'ws')}/ws/chat/"
    answers: Counter[str] = Counter()
    async with connect(ws_url, additional_headers=headers) as ws:
        assert ws.response is not None
        set_cookie = ws.response.headers.get("Set-Cookie", "")
        assert (await receive(ws))["type"] == "ready"
        for _ in range(count):
            await send(ws, type="prompt", text="hi", client_id=uuid.uuid4().hex, params=SHORT)
            while (message := await receive(ws))["type"] not in {"accepted", "error"}:
                pass
            answers[message.get("code", "accepted")] += 1
    return answers, set_cookie.partition(";")[0].partition("=")[2]


@pytest.mark.e2e
@pytest.mark.timeout(180)
async def test_guests_over_sockets_and_streams(limited: str) -> None:
    """The handshake gives the cookie, which counts for sockets and streams together."""
    answers, cookie = await over_socket(limited, "", 2)
    assert answers == {"accepted": 2}
    assert cookie
    body = {"message": "hi", "params": SHORT}
    async with httpx.AsyncClient(timeout=60) as client:
        codes = []
        for _ in range(2):
            answer = await client.post(
                f"{limited}/api/chat/guest", json=body, headers={"Cookie": f"{COOKIE}={cookie}"}
            )
            codes.append(answer.status_code)
        assert codes == [200, 429], answer.text
        assert COOKIE not in answer.cookies
        assert (await over_socket(limited, cookie, 1)) == ({"rate_limited": 1}, "")
        # Whoever throws cookies away goes on as one without.
        answers, _ = await over_socket(limited, "", 2)
        assert answers == {"accepted": 1, "rate_limited": 1}
        refused = await client.post(f"{limited}/api/chat/guest", json=body)
        assert refused.status_code == 429
        assert COOKIE in refused.cookies, "who has none gets one, refused or not"
    accepted = 4
    while accepted < ADDRESS_LIMIT:
        _, fresh = await over_socket(limited, "", 0)
        left = min(3, ADDRESS_LIMIT - accepted)
        answers, _ = await over_socket(limited, fresh, left + 1)
        assert answers == {"accepted": left, "rate_limited": 1}, "all of the address together"
        accepted += left


@pytest.mark.e2e
@pytest.mark.timeout(180)
async def test_a_guest_comes_back_to_a_running_reply(stack: Stack) -> None:
    """With another cookie, or none: the reply is found by its secret id, and can be stopped."""
    long = {"min_tokens": 300, "max_tokens": 300}
    with stack.slow_worker(run_s=0.002, rest_s=0.5):
        async with connect(stack.ws_url) as ws:
            await receive(ws)
            await send(ws, type="prompt", text="hi", client_id=uuid.uuid4().hex, params=long)
            generation = (await until(ws, "token"))[-1]["generation"]
        async with connect(stack.ws_url) as ws:
            await receive(ws)
            await send(ws, type="resume", generation=generation)
            assert (await until(ws, "token"))[-1]["seq"] == 0
            await send(ws, type="cancel", generation=generation)
            assert (await until(ws, "done"))[-1]["finish_reason"] == "cancelled"
