"""The optional e-mail address: set, confirmed, removed; a lost password; and nothing told of it."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.email_links import LIFETIMES, LinkKind, link_make
from accounts.models import Session, User
from accounts.services import user_suspend
from accounts.store import redis_client
from accounts.tokens import tokens_issue
from tests.accounts.clients import COOKIE, PASSWORD, client_for, error_of, user_make
from tests.accounts.test_own_sessions import browser, refreshed
from tests.support.tasks import tasks_queued, tasks_run

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/auth/email"
ANAS = "Ana@example.org"
NEW = "staple wrong donkey"


def put(client: APIClient, email: str = ANAS, password: str = PASSWORD) -> Any:
    return client.put(URL, {"email": email, "password": password})


def post(path: str, address: str = "10.0.0.1", **body: Any) -> Any:
    return APIClient(REMOTE_ADDR=address).post(f"/api/auth/{path}", body)


def verify(token: str) -> Any:
    return post("email/verify", token=token)


def reset(token: str, new_password: str = NEW) -> Any:
    return post("password/reset", token=token, new_password=new_password)


def token_in(message: Any) -> str:
    found = re.search(r"http://localhost:8000/(verify|reset)/#token=(\S+)", message.body)
    assert found is not None, message.body
    return found[2]


def mailed() -> str:
    """The token of the one mail that the waiting tasks send."""
    before = len(mail.outbox)
    tasks_run()
    assert len(mail.outbox) == before + 1
    return token_in(mail.outbox[-1])


def with_email(name: str = "ana", email: str = ANAS) -> User:
    return user_make(name, email=email)


def reset_token(user: User) -> str:
    return link_make(kind=LinkKind.RESET, user=user).partition("#token=")[2]


def test_an_address_is_the_account_s_once_the_link_was_used() -> None:
    client = client_for(user_make("ana"))
    response = put(client)
    assert (response.status_code, response.json()) == (202, {"pending_email": ANAS})
    me = client.get("/api/auth/me").json()
    assert (me["email"], me["pending_email"]) == (None, ANAS)
    token = mailed()
    assert mail.outbox[0].to == [ANAS]
    assert "ana" not in mail.outbox[0].body.replace("Ana@", ""), "no words of users to strangers"
    assert verify(token).json() == {"email": ANAS}
    me = client.get("/api/auth/me").json()
    assert (me["email"], me["pending_email"]) == (ANAS, None)
    assert error_of(verify(token)) == (400, "invalid_link"), "good once"


def test_the_queue_holds_neither_address_nor_link() -> None:
    user = user_make("ana")
    put(client_for(user))
    assert tasks_queued() == [("accounts.tasks.mail_send", ["verify", user.pk])]
    keys = redis_client().scan_iter("*")
    assert not [key for key in keys if "example" in key.lower()]


def test_the_address_before_stays_until_the_new_one_is_confirmed() -> None:
    client = client_for(with_email(email="old@example.org"))
    put(client)
    token = mailed()
    assert client.get("/api/auth/me").json()["email"] == "old@example.org"
    verify(token)
    assert client.get("/api/auth/me").json()["email"] == ANAS


def test_a_link_ends_with_another_mail_a_new_password_and_removal() -> None:
    user = user_make("ana")
    client = client_for(user)
    put(client)
    first = mailed()
    put(client)
    second = mailed()
    assert error_of(verify(first)) == (400, "invalid_link")
    assert client.delete(URL, {"password": PASSWORD}).status_code == 204
    assert error_of(verify(second)) == (400, "invalid_link")
    put(client)
    third = mailed()
    user = User.objects.get()
    user.set_password(NEW)
    user.save()
    assert error_of(verify(third)) == (400, "invalid_link")
    assert User.objects.get().pending_email == "", "who knew the old password may have named it"


@pytest.mark.parametrize("kind", list(LinkKind))
def test_links_expire(kind: LinkKind, monkeypatch: pytest.MonkeyPatch) -> None:
    user = user_make("ana", email=ANAS, pending_email=ANAS, pending_email_at=timezone.now())
    token = link_make(kind=kind, user=user).partition("#token=")[2]
    monkeypatch.setitem(LIFETIMES, kind, timedelta(seconds=-1))
    use = verify if kind is LinkKind.VERIFY else reset
    assert error_of(use(token)) == (400, "invalid_link")
    monkeypatch.undo()
    assert use(token).status_code in {200, 204}


def test_a_link_is_good_for_its_own_purpose_and_as_it_was_sent() -> None:
    user = user_make("ana", email=ANAS, pending_email=ANAS, pending_email_at=timezone.now())
    token = link_make(kind=LinkKind.VERIFY, user=user).partition("#token=")[2]
    access = tokens_issue(user=user).access
    for bad in (reset_token(user), token[:-1], token + "x", access, "x", "x" * 300, "é", ":::"):
        assert error_of(verify(bad)) == (400, "invalid_link"), bad
    assert error_of(reset(token)) == (400, "invalid_link")
    assert verify("x" * 301).json()["code"] == "invalid"


def test_only_confirmed_addresses_are_unique_and_in_any_case() -> None:
    with_email("ben", ANAS.upper())
    ana, cleo = user_make("ana"), user_make("cleo")
    assert put(client_for(ana)).json() == {"pending_email": ANAS}
    tasks_run()
    assert mail.outbox[-1].to == [ANAS]
    assert "already belongs" in mail.outbox[-1].body
    assert "token" not in mail.outbox[-1].body
    for user in (ana, cleo):
        put(client_for(user), "new@example.org")
    tasks_run()
    first, second = (token_in(message) for message in mail.outbox[-2:])
    assert verify(second).status_code == 200
    assert error_of(verify(first)) == (400, "invalid_link"), "somebody else confirmed it meanwhile"
    assert User.objects.filter(email="new@example.org").get() == cleo


def test_setting_tells_nothing_of_other_accounts() -> None:
    """Same answer, and the same queries and tasks, whether or not the address is somebody's."""
    with_email("ben")
    seen = []
    for name, address in (("ana", ANAS), ("eve", "nobody@example.org")):
        client = client_for(user_make(name))
        with CaptureQueriesContext(connection) as queries:
            response = put(client, address)
        tasks = [task for task, _ in tasks_queued()]
        seen.append((response.status_code, set(response.json()), len(queries), tasks))
        redis_client().delete("default")
    assert seen[0] == seen[1]


def test_forgetting_tells_nothing_of_other_accounts() -> None:
    with_email("ana")
    user_suspend(user=with_email("sue", "sue@example.org"))
    user_make("ben", pending_email="pending@example.org")
    seen = []
    known, others = ANAS.lower(), ("sue@example.org", "pending@example.org", "x@example.org")
    for address in (known, *others):
        with CaptureQueriesContext(connection) as queries:
            response = post("password/forgot", email=address)
        (task,) = tasks_queued()
        seen.append((response.status_code, response.content, len(queries), task[0], task[1][0]))
        tasks_run()
    assert set(seen) == {(202, b"", 1, "accounts.tasks.mail_send", "reset")}
    (message,) = mail.outbox
    assert message.to == [ANAS], "to the stored address, not to the one that was typed"


def test_a_reset_ends_all_sessions_begins_none_and_lifts_the_lock() -> None:
    user = with_email()
    desk = browser(user)
    for _ in range(11):
        login = post("login", username="ana", password="wrong wrong 1")
    assert error_of(login) == (429, "locked_out")
    post("password/forgot", email=ANAS)
    token = mailed()
    assert "ana" in mail.outbox[0].body
    response = reset(token)
    assert (response.status_code, response.content) == (204, b"")
    assert COOKIE not in response.cookies
    assert error_of(desk.get("/api/auth/me")) == (401, "not_authenticated")
    assert error_of(refreshed(desk)) == (401, "not_authenticated")
    assert not Session.objects.exists()
    assert error_of(reset(token)) == (400, "invalid_link"), "good once"
    assert post("login", username="ana", password=NEW).status_code == 200


def test_a_weak_password_leaves_the_link_good() -> None:
    token = reset_token(with_email())
    for weak in ("short1", "12345678901", "password123", "ana"):
        response = reset(token, weak)
        assert error_of(response) == (400, "invalid")
        assert set(response.json()["fields"]) == {"new_password"}
    assert reset(token).status_code == 204


@pytest.mark.parametrize("change", ["password", "sessions", "email", "suspended"])
def test_a_reset_link_ends_with_what_it_is_bound_to(change: str) -> None:
    user = with_email()
    token = reset_token(user)
    if change == "password":
        user.set_password("another donkey 3")
        user.save()
    elif change == "sessions":
        assert client_for(user).post("/api/auth/logout-all", {}).status_code == 204
    elif change == "email":
        assert client_for(user).delete(URL, {"password": PASSWORD}).status_code == 204
    else:
        user_suspend(user=user)
    assert error_of(reset(token)) == (400, "invalid_link")


def test_of_many_uses_at_once_one_sets_the_password() -> None:
    token = reset_token(with_email())
    barrier = threading.Barrier(6)

    def use(number: int) -> int:
        try:
            barrier.wait(timeout=30)
            return int(reset(token, f"donkey staple {number}").status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(use, range(6))) == [204, *[400] * 5]


@pytest.mark.parametrize(
    "email",
    [
        "", "ana", "a@b", "a b@example.org", "a@example.org\nBcc: x@y.de",
        "a@localhost", "a@mail.localhost", "a@[127.0.0.1]", "a@[IPv6:::1]", "a@127.0.0.1",
        "a@bücher.example.org", "a@example.ελ", "ä@example.org", "a@ex\u0430mple.org",
        "a@example.org.",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(email: str) -> None:
    user_make("ana")
    for response in (
        put(client_for(User.objects.get()), email),
        post("password/forgot", email=email),
    ):
        assert error_of(response) == (400, "invalid")
        assert set(response.json()["fields"]) == {"email"}
    assert tasks_queued() == []


def test_set_and_remove_need_the_password() -> None:
    client = client_for(with_email())
    assert error_of(put(client, password="wrong wrong 1")) == (403, "wrong_password")
    response = client.delete(URL, {"password": "wrong wrong 1"})
    assert error_of(response) == (403, "wrong_password")
    assert error_of(APIClient().put(URL, {})) == (401, "not_authenticated")
    assert User.objects.get().email == ANAS
    assert tasks_queued() == []


def test_mails_are_limited_by_who_asks_and_by_where_they_go(settings: Any) -> None:
    rates = {"email": "3 per hour", "email_target": "2 per day", "password": "99 per hour"}
    rates |= {"forgot": "4 per hour", "forgot_target": "2 per hour"}
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, **rates}
    ana, eve = client_for(user_make("ana")), client_for(user_make("eve"))
    assert [put(ana).status_code for _ in range(3)] == [202, 202, 429]
    assert error_of(put(eve, ANAS.lower())) == (429, "rate_limited"), "the same mailbox"
    assert put(eve, "eve@example.org").status_code == 202
    redis_client().delete("default")
    with_email("ben", "ben@example.org")
    codes = [post("password/forgot", email="Ben@example.org").status_code for _ in range(5)]
    assert codes == [202] * 4 + [429]
    assert len(tasks_queued()) == 2, "the others were not sent, and nobody was told"


def test_without_mail_the_routes_say_so(settings: Any) -> None:
    settings.EMAIL_ENABLED = False
    client = client_for(with_email())
    assert error_of(put(client)) == (409, "email_off")
    assert error_of(post("password/forgot", email=ANAS)) == (409, "email_off")
    assert client.delete(URL, {"password": PASSWORD}).status_code == 204


def test_options_say_what_is_open(settings: Any) -> None:
    assert APIClient().get("/api/auth/options").json() == {"registration": True, "email": True}
    settings.REGISTRATION_OPEN, settings.EMAIL_ENABLED = False, False
    assert APIClient().get("/api/auth/options").json() == {"registration": False, "email": False}
    response = post("register", username="ana", password=PASSWORD)
    assert error_of(response) == (403, "registration_closed")
    assert not User.objects.exists()


def test_links_lead_where_the_setting_says_whatever_the_host_header(settings: Any) -> None:
    settings.PUBLIC_ORIGIN = "https://chat.example.org"
    settings.ALLOWED_HOSTS = ["*"]
    with_email()
    client = APIClient(headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    client.post("/api/auth/password/forgot", {"email": ANAS}, headers={"Host": "evil.example"})
    tasks_run()
    assert "https://chat.example.org/reset/#token=" in mail.outbox[0].body
    assert "evil" not in mail.outbox[0].message().as_string()


def test_consent_and_role_are_in_the_profile() -> None:
    client = client_for(user_make("ana"))
    assert client.patch("/api/auth/me", {"may_train": True}).json()["may_train"] is True
    assert client.patch("/api/auth/me", {"settings": {}}).json()["may_train"] is True
    for bad in ("yes", 1, None):
        assert error_of(client.patch("/api/auth/me", {"may_train": bad})) == (400, "invalid")
    assert client.patch("/api/auth/me", {"may_train": False}).json()["may_train"] is False
    assert (
        client_for(user_make("boss", is_staff=True)).get("/api/auth/me").json()["role"] == "staff"
    )
