"""The staff's doors: what half a sign-in, a stolen token, a crafted address or a race may open."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import urljoin

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.keys import key_create
from accounts.models import User
from accounts.tokens import tokens_issue
from moderation import second_factor
from moderation.models import AuditEntry
from tests.accounts.clients import PASSWORD, user_make
from tests.chat.factories import conversation_make, exchange_make
from tests.security.admin_routes import routes
from tests.security.hostile import read
from tests.support.races import in_thread

pytestmark = pytest.mark.django_db
CODE = "/admin/code/"
ELSEWHERE = [
    "https://evil.example/", "//evil.example", "/\\evil.example", "///evil.example",
    "\\/evil.example", "javascript:alert(1)", "http:evil.example", "/\t/evil.example",
    "data:text/html,x", "\x01//evil",
]  # fmt: skip


@pytest.fixture
def ada() -> User:
    return user_make("ada", is_staff=True, is_superuser=True)


def role_make(name: str, role: str) -> User:
    user = user_make(name, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


def sign_in(user: User, client: Client | None = None, **form: str) -> tuple[Client, Any]:
    client = client or Client()
    form = {"username": user.username, "password": PASSWORD, "next": "/admin/", **form}
    return client, client.post("/admin/login/", form)


def with_factor(user: User) -> tuple[TOTPDevice, list[str]]:
    device = second_factor.app_begin(user=user)
    made = second_factor.app_confirm(user=user, code=code_of(device))
    assert made is not None
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    return made


def code_of(device: TOTPDevice, later: int = 0) -> str:
    return f"{totp(device.bin_key, drift=later):06}"


def test_a_session_that_was_put_into_the_browser_does_not_become_the_staffs(ada: User) -> None:
    """What an attacker knows before the sign-in is worth nothing after it."""
    device, _ = with_factor(ada)
    victim = Client()
    planted = victim.session
    planted["theirs"] = True
    planted.save()
    key = str(planted.session_key)
    victim.cookies[settings.SESSION_COOKIE_NAME] = key
    keys = [key]
    sign_in(ada, victim)
    keys.append(victim.cookies[settings.SESSION_COOKIE_NAME].value)
    assert victim.post(CODE, {"code": code_of(device, 1)}).status_code == 302
    keys.append(victim.cookies[settings.SESSION_COOKIE_NAME].value)
    assert len(set(keys)) == 3
    for old in keys[:2]:
        attacker = Client()
        attacker.cookies[settings.SESSION_COOKIE_NAME] = old
        assert attacker.get("/admin/").status_code == 302
    assert victim.get("/admin/").status_code == 200


@pytest.mark.parametrize("method", ["get", "post", "head", "options", "put", "delete"])
def test_half_a_sign_in_opens_no_route(ada: User, method: str) -> None:
    with_factor(ada)
    client, _ = sign_in(ada)
    before = AuditEntry.objects.count()
    for name, way in {**routes(), "nowhere": "/admin/no/where", "deep": "/admin/r/3/1/"}.items():
        if name in ("login", "logout", "code"):
            continue
        answer = getattr(client, method)(way, {"act": "remove", "post": "yes"})
        assert answer.status_code in (302, 403, 405), (name, answer.status_code)
        assert answer.headers.get("Location", CODE).startswith(CODE), name
    assert AuditEntry.objects.count() == before
    assert TOTPDevice.objects.filter(user=ada, confirmed=True).exists()


def test_tokens_and_keys_of_the_api_open_no_route(ada: User) -> None:
    """Nor does the cookie of the admin open the API."""
    with_factor(ada)
    _, key = key_create(user=ada, name="key", expires_at=None)
    pair = tokens_issue(user=ada)
    for secret in (pair.access, pair.refresh, key):
        client = Client(headers={"Authorization": f"Bearer {secret}"})
        client.cookies[settings.REFRESH_COOKIE_NAME] = pair.refresh
        client.cookies[settings.SESSION_COOKIE_NAME] = secret
        for name, way in routes().items():
            answer = client.get(way)
            is_gate = name == "login"
            assert answer.status_code == (200 if is_gate else 302), name
    inside = Client()
    inside.force_login(ada)
    assert inside.get("/api/auth/me").status_code == 401
    assert inside.post("/api/auth/ws-ticket").status_code == 401


@pytest.mark.parametrize("address", ELSEWHERE)
def test_no_sign_in_leads_elsewhere(ada: User, address: str) -> None:
    _, answer = sign_in(ada, next=address)
    assert answer.headers["Location"] == "/admin/"
    client = Client()
    page = client.get("/admin/login/", {"next": address}).content.decode()
    led = read(page)
    assert led.bad == []
    assert all(urljoin("/admin/login/", way).startswith("/") for way in led.links | led.forms)
    client.force_login(ada)
    assert client.get("/admin/login/", {"next": address}).headers["Location"].startswith("/admin/")


@pytest.mark.parametrize("address", ELSEWHERE)
def test_no_button_leads_elsewhere(ada: User, address: str) -> None:
    chat = conversation_make(user_make())
    client = Client()
    client.force_login(ada)
    for what in ("hide", "unhide"):
        way = f"/admin/chat/conversation/{chat.pk}/do/{what}/"
        target = client.post(way, {"next": address}).headers["Location"]
        assert target == "/admin/chat/conversation/", what


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["app", "backup"])
def test_of_many_with_one_code_one_comes_in(kind: str) -> None:
    user = user_make("ada", is_staff=True, is_superuser=True)
    device, codes = with_factor(user)
    code = code_of(device, 1) if kind == "app" else codes[0]
    clients = [Client() for _ in range(6)]
    for client in clients:
        client.force_login(user)

    def attempt(client: Client) -> int:
        return int(client.post(CODE, {"code": code}).status_code)

    with ThreadPoolExecutor(len(clients)) as pool:
        waiting = [in_thread(pool, partial(attempt, client)) for client in clients]
        answers = sorted(one.result() for one in waiting)
    assert answers == [200] * 5 + [302]
    assert StaticToken.objects.count() == (10 if kind == "app" else 9)
    connection.close()


def test_codes_cannot_be_tried_one_after_the_other(ada: User) -> None:
    """From as many sessions and addresses as one likes: what slows down belongs to the device."""
    device, codes = with_factor(ada)
    right = code_of(device, 1)
    for number in range(25):
        client = Client(REMOTE_ADDR=f"203.0.113.{number}")
        client.force_login(ada)
        assert client.post(CODE, {"code": f"{number:06}"}).status_code == 200
    client = Client()
    client.force_login(ada)
    assert client.post(CODE, {"code": right}).status_code == 200, "it has to wait, too"
    assert client.post(CODE, {"code": codes[0]}).status_code == 302, "the backup codes wait apart"


@pytest.mark.parametrize(
    "asked",
    [
        "chat/message/?content__icontains=zanzibar",
        "chat/message/?content__startswith=z",
        "chat/message/?search=zanzibar",
        "chat/message/?conversation__title__contains=z",
        "chat/message/?conversation__user__password__startswith=argon2",
        "accounts/user/?password__startswith=argon2",
        "accounts/user/?email__contains=a",
        "accounts/user/?token_version=0",
        "accounts/user/?api_keys__key_hash__startswith=a",
        "accounts/user/?settings__contains=a",
        "accounts/apikey/?key_hash__startswith=a",
        "accounts/apikey/?user__password__startswith=argon2",
        "chat/share/?messages__icontains=zanzibar",
        "chat/conversation/?messages__content__contains=zanzibar",
        "chat/feedback/?message__content__contains=zanzibar",
        "chat/generation/?client_id__startswith=a",
        "chat/generation/?owner_key__startswith=u",
        "moderation/auditentry/?actor__password__startswith=argon2",
    ],
)
def test_addresses_ask_for_nothing_that_the_page_does_not_offer(ada: User, asked: str) -> None:
    """Else texts could be searched without the right to read them, or a line in the log."""
    chat = conversation_make(user_make("ana"), "a title")
    exchange_make(chat, "zanzibar", "an island")
    client = Client()
    client.force_login(ada)
    answer = client.get(f"/admin/{asked}")
    assert answer.status_code in (302, 400), answer.status_code
    assert answer.headers.get("Location", "?e=1").endswith("?e=1")


def test_what_the_lists_offer_can_be_chosen(ada: User) -> None:
    exchange_make(conversation_make(user_make("ana")), "zanzibar", "an island")
    client = Client()
    client.force_login(ada)
    chosen = 0
    for name, way in routes().items():
        if name.endswith("_changelist"):
            for link in read(client.get(way).content.decode()).links:
                if link.startswith("?"):
                    assert client.get(f"{way}{link}").status_code == 200, (way, link)
                    chosen += 1
    assert chosen > 30


@pytest.mark.parametrize("role", ["moderator", "operator", "admin"])
def test_nobody_becomes_a_superuser(ada: User, role: str) -> None:
    """Nor sets the password of one, nor of staff without being an admin."""
    actor, colleague = role_make("mo", role), role_make("co", "moderator")
    client = Client()
    client.force_login(actor)
    form = {"password1": "brand new words 9", "password2": "brand new words 9",
            "usable_password": "true", "username": "mo", "is_staff": "on", "is_superuser": "on",
            "date_joined_0": "2026-01-01", "date_joined_1": "10:00"}  # fmt: skip
    targets = [ada, actor] if role == "admin" else [ada, actor, colleague]
    for target in targets:
        client.post(f"/admin/accounts/user/{target.pk}/change/", form)
        if target != actor:
            client.post(f"/admin/accounts/user/{target.pk}/password/", form)
            client.post(f"/admin/accounts/user/{target.pk}/delete/", {"post": "yes"})
        chosen = {"_selected_action": [target.pk], "post": "yes"}
        for action in ("lift", "end_sessions", "delete_selected"):
            client.post("/admin/accounts/user/", {**chosen, "action": action})
        client.post("/admin/accounts/user/suspend/", {
            "ids": str(target.pk), "reason": "x", "length": "ever",
        })  # fmt: skip
    client.post("/admin/accounts/user/add/", {**form, "username": "newone", "groups": ["1"]})
    assert list(User.objects.filter(is_superuser=True)) == [ada]
    for target in targets:
        now = User.objects.get(pk=target.pk)
        assert now.check_password(PASSWORD)
        assert (now.is_active, now.token_version) == (True, target.token_version)
    assert set(actor.groups.values_list("name", flat=True)) == {role}
