"""Deleting an account: confirmed, complete, whatever runs; and nobody else's."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import Client
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.errors import InvalidApiKey
from accounts.keys import key_create, key_user
from accounts.limits import limit_state
from accounts.models import ApiKey, Session, User
from accounts.removal import account_erase
from accounts.store import redis_client
from chat.delivery import streams
from chat.delivery.streams import Append
from chat.generation.lifecycle import Outcome, generation_finish
from chat.models import Conversation, FinishReason, Generation, Message, Share, Status
from chat.places import PLACES_PREFIX
from chat.services.shares import share_create
from tests.accounts.clients import COOKIE, PASSWORD, client_for, error_of, user_make
from tests.accounts.test_own_sessions import browser, refreshed
from tests.chat.factories import conversation_make, exchange_make
from tests.support.races import in_thread, wait_for_lock

pytestmark = pytest.mark.django_db
URL = "/api/auth/me"
TURNS = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]


def delete(client: APIClient, password: Any = PASSWORD, **more: Any) -> Any:
    return client.delete(URL, {"password": password}, **more)


def running(user: User, status: Status = Status.RUNNING) -> Generation:
    """A reply being written: its rows, and a stream of one word."""
    conversation = conversation_make(user)
    reply = exchange_make(conversation, "hi", "")
    generation = Generation.objects.get(message=reply)
    Generation.objects.filter(pk=generation.pk).update(status=status, attempt=1)
    generation.refresh_from_db()
    streams.take_over(str(generation.pk), 1)
    streams.append(str(generation.pk), 1, "token", {"seq": 0, "text": "word", "ids": [1]})
    return generation


@pytest.mark.django_db(transaction=True)
def test_everything_of_the_user_goes_and_nothing_else() -> None:
    ana, ben = user_make("ana"), user_make("ben")
    for user in (ana, ben):
        conversation = conversation_make(user)
        exchange_make(conversation, "hello", "Hi.")
        share_create(conversation=conversation, expires_in_days=None)
        Generation.objects.create(owner_key=f"u:{user.pk}", user=user, status=Status.COMPLETED)
    key, secret = key_create(user=ana, name="notebook")
    phone, desk, other = browser(ana), browser(ana), browser(ben)
    refreshed(phone)
    response = delete(desk)
    assert response.status_code == 204
    assert response.cookies[COOKIE].value == ""
    assert list(User.objects.values_list("username", flat=True)) == ["ben"]
    for model in (Session, Conversation, Share):
        assert model.objects.count() == 1, model
    assert (Message.objects.count(), Generation.objects.count()) == (2, 2)
    assert not ApiKey.objects.filter(pk=key.pk).exists()
    assert not OutstandingToken.objects.exclude(user=ben).exists()
    assert not BlacklistedToken.objects.exists()
    with pytest.raises(InvalidApiKey):
        key_user(secret=secret)
    for client in (phone, desk):
        assert error_of(client.get(URL)) == (401, "not_authenticated")
        assert error_of(refreshed(client)) == (401, "not_authenticated")
    assert other.get(URL).status_code == 200
    again = {"username": "ana", "password": PASSWORD}
    assert APIClient().post("/api/auth/register", again).status_code == 201


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING])
def test_a_reply_being_written_stops_and_its_words_go(status: Status) -> None:
    user = user_make()
    generation = running(user, status)
    name = str(generation.pk)
    assert delete(browser(user)).status_code == 204
    assert not Generation.objects.exists()
    assert list(redis_client().scan_iter(f"*{name}*")) == []
    # The worker that held it can write nowhere any more.
    assert streams.append(name, 1, "token", {"seq": 1, "text": "!", "ids": [2]}) is Append.LOST
    outcome = Outcome(Status.COMPLETED, FinishReason.STOP, text="word!")
    assert not generation_finish(generation=generation, outcome=outcome)
    assert not Message.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_redis_keeps_nothing_that_counts_for_the_user() -> None:
    user = user_make()
    client = browser(user)
    client.patch(URL, {"username": "another"})
    redis_client().hset(f"{PLACES_PREFIX}socket:u:{user.pk}", "process", "1")
    assert delete(client).status_code == 204
    assert list(redis_client().scan_iter(f"*u:{user.pk}*")) == []
    state = limit_state(name="password", key=f"u:{user.pk}")
    assert state is not None
    assert state.remaining == state.limit


@pytest.mark.parametrize("password", ["wrong wrong 1", "", None, 1])
def test_a_wrong_password_deletes_nothing(password: Any) -> None:
    user = user_make()
    generation = running(user)
    response = delete(browser(user), password)
    assert response.status_code == (403 if password == "wrong wrong 1" else 400)
    assert User.objects.exists()
    control = streams.control_key(str(generation.pk))
    assert not redis_client().hexists(control, "cancelled"), "the reply goes on"


def test_unknown_fields_and_no_body_are_refused() -> None:
    client = browser(user_make())
    response = client.delete(URL, {"password": PASSWORD, "sure": True})
    assert set(response.json()["fields"]) == {"sure"}
    assert error_of(client.delete(URL)) == (400, "invalid")
    assert User.objects.exists()


def test_guessing_is_limited_together_with_the_password_s_change() -> None:
    client = browser(user_make())
    for _ in range(5):
        assert error_of(delete(client, "wrong wrong 1")) == (403, "wrong_password")
        body = {"old_password": "wrong wrong 1", "new_password": "staple wrong donkey"}
        assert error_of(client.post("/api/auth/password", body)) == (403, "wrong_password")
    assert error_of(delete(client)) == (429, "rate_limited")
    assert User.objects.exists()


def test_deletion_needs_a_token_and_the_own_site() -> None:
    assert error_of(delete(APIClient())) == (401, "not_authenticated")
    client = browser(user_make())
    evil = {"Origin": "https://evil.example"}
    assert error_of(delete(client, headers=evil)) == (403, "foreign_origin")
    assert User.objects.exists()


def test_what_moderators_did_stays_on_record_without_the_name() -> None:
    ana, root = user_make("ana"), user_make("root", is_staff=True)
    LogEntry.objects.create(
        user=root,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(ana.pk),
        object_repr="ana",
        action_flag=CHANGE,
    )
    assert delete(browser(ana)).status_code == 204
    assert LogEntry.objects.get().object_repr == f"deleted user {ana.pk}"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("has_page", [True, False])
def test_admin_deletes_as_thoroughly(has_page: bool) -> None:
    ana, root = user_make("ana"), user_make("root", is_staff=True, is_superuser=True)
    generation = running(ana)
    refresh = browser(ana)
    admin = Client()
    admin.force_login(root)
    if has_page:
        admin.post(f"/admin/accounts/user/{ana.pk}/delete/", {"post": "yes"})
    else:
        action = {"action": "delete_selected", "_selected_action": [ana.pk], "post": "yes"}
        admin.post("/admin/accounts/user/", action)
    assert list(User.objects.values_list("username", flat=True)) == ["root"]
    assert not OutstandingToken.objects.exists()
    assert list(redis_client().scan_iter(f"*{generation.pk}*")) == []
    assert error_of(refreshed(refresh)) == (401, "not_authenticated")
    assert not LogEntry.objects.filter(object_repr="ana").exists()


@pytest.mark.django_db(transaction=True)
def test_deletion_beside_everything_else_is_whole() -> None:
    """Prompts are written, tokens rotated, the password changed and the account deleted at once."""
    user = user_make()
    client, phone = browser(user), browser(user)
    conversation = conversation_make(user)

    def write() -> int:
        for _ in range(20):
            client_for_chat.post("/api/conversations", {"title": uuid.uuid4().hex})
            client_for_chat.patch(f"/api/conversations/{conversation.pk}", {"pinned": True})
        return 0

    def change() -> int:
        body = {"old_password": PASSWORD, "new_password": "staple wrong donkey"}
        return int(phone.post("/api/auth/password", body).status_code)

    def act(step: Any) -> int:
        try:
            return int(step())
        finally:
            connection.close()

    client_for_chat = client_for(user)
    client_for_chat.raise_request_exception = False
    steps = [
        lambda: delete(client).status_code,
        change,
        write,
        lambda: refreshed(phone).status_code,
    ]
    with ThreadPoolExecutor(len(steps)) as pool:
        deleted, changed, *_ = pool.map(act, steps)
    assert (deleted, changed) in {(204, 401), (204, 403), (403, 200), (401, 200)}
    if deleted == 204:
        assert not User.objects.exists()
        assert not Conversation.objects.exists()
        assert not Session.objects.exists()
    else:
        assert User.objects.get().check_password("staple wrong donkey")
        assert Session.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("url", "body"),
    [
        ("/api/conversations", {"title": "x"}),
        ("/api/conversations/keep", {"turns": TURNS, "client_id": "k"}),
        ("/api/keys", {"name": "notebook"}),
        ("/api/auth/login", {"username": "ana", "password": PASSWORD}),
    ],
)
def test_what_comes_at_that_very_moment_finds_nobody(url: str, body: dict[str, Any]) -> None:
    user = user_make()
    client = browser(user)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            account_erase(user=user)
            late = in_thread(pool, lambda: client.post(url, body))
            wait_for_lock()
        response = late.result(timeout=30)
    assert error_of(response) in {(404, "not_found"), (401, "not_authenticated")}
    assert not Conversation.objects.exists()
