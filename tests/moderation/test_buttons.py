"""Buttons: hide and unhide, revoke, queue anew; what they say when somebody was quicker, or Redis
is away.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.test import Client, override_settings

from accounts.models import User
from accounts.removal import account_erase
from accounts.store import redis_client
from chat.models import Conversation, Generation, Message, Share, Status
from chat.services.shares import share_create
from moderation.models import AuditEntry
from tests.accounts.clients import client_for, user_make
from tests.chat.factories import conversation_make, exchange_make
from tests.moderation.people import staff_client, staff_make
from tests.support.races import in_thread

pytestmark = pytest.mark.django_db
ADMIN = "/admin/"


@pytest.fixture
def ana(db: None) -> User:
    return user_make("ana")


@pytest.fixture
def reply(ana: User) -> Message:
    return exchange_make(conversation_make(ana, "Animals"), "tell me", "a purple walrus")


@pytest.fixture
def desk(db: None) -> Client:
    return staff_client(staff_make("mo", "moderator"))


@pytest.fixture
def operator(db: None) -> Client:
    return staff_client(staff_make("op", "operator"))


def _do(client: Client, row: Conversation | Message | Share | Generation, verb: str) -> str:
    address = f"/admin/chat/{row._meta.model_name}/{row.pk}/do/{verb}/"
    response = client.post(address, {"next": ADMIN}, follow=True)
    assert response.status_code == 200, address
    return str([str(message) for message in response.context["messages"]])


def _actions() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def test_a_message_is_hidden_and_shown_by_its_button(
    desk: Client, ana: User, reply: Message
) -> None:
    api, address = client_for(ana), f"/api/conversations/{reply.conversation_id}"
    assert "only staff reads it now" in _do(desk, reply, "hide")
    assert "walrus" not in api.get(address).content.decode()
    assert "hidden already" in _do(desk, reply, "hide")
    assert "Shown again" in _do(desk, reply, "unhide")
    assert "walrus" in api.get(address).content.decode()
    assert "was not hidden" in _do(desk, reply, "unhide")
    assert _actions() == ["message.hide", "message.unhide"]


def test_a_conversation_is_hidden_and_shown_by_its_button(
    desk: Client, ana: User, reply: Message
) -> None:
    api, address = client_for(ana), f"/api/conversations/{reply.conversation_id}"
    assert "nobody but staff" in _do(desk, reply.conversation, "hide")
    assert api.get(address).status_code == 404
    assert "hidden already" in _do(desk, reply.conversation, "hide")
    assert "Shown again" in _do(desk, reply.conversation, "unhide")
    assert api.get(address).status_code == 200
    assert "was not hidden" in _do(desk, reply.conversation, "unhide")
    assert _actions() == ["conversation.hide", "conversation.unhide"]


@pytest.mark.parametrize("by", ["button", "action"])
def test_a_revoked_share_leads_nowhere(desk: Client, reply: Message, by: str) -> None:
    share = share_create(conversation=reply.conversation, expires_in_days=None)
    public = f"/api/shared/{share.slug}"
    assert Client().get(public).status_code == 200
    if by == "button":
        assert "Revoked" in _do(desk, share, "revoke")
    else:
        desk.post("/admin/chat/share/", {"action": "revoke", "_selected_action": [share.pk]})
    assert Client().get(public).status_code == 404
    assert not Share.objects.exists()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.detail) == ("share.revoke", {"conversation": reply.conversation_id})


def test_operators_neither_hide_nor_revoke(operator: Client, reply: Message) -> None:
    share = share_create(conversation=reply.conversation, expires_in_days=None)
    rows = [(reply, "hide"), (reply.conversation, "hide"), (share, "revoke")]
    for row, verb in rows:
        address = f"/admin/chat/{row._meta.model_name}/{row.pk}/do/{verb}/"
        assert operator.post(address).status_code == 403
        assert operator.get(address).status_code == 405
    reply.refresh_from_db()
    assert reply.hidden_at is None
    assert reply.conversation.hidden_at is None
    assert Share.objects.exists()


@pytest.fixture
def no_redis() -> Iterator[None]:
    """This process looks for its Redis where nobody listens."""
    redis_client.cache_clear()
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
        yield
        redis_client().close()
        redis_client.cache_clear()


@pytest.mark.parametrize("by", ["button", "action"])
def test_queue_anew_without_redis_says_so_and_changes_nothing(
    operator: Client, reply: Message, no_redis: None, by: str
) -> None:
    Generation.objects.update(status=Status.FAILED, finish_reason="error", attempt=3)
    failed = Generation.objects.get()
    if by == "button":
        told = _do(operator, failed, "again")
    else:
        chosen = {"action": "again", "_selected_action": [str(failed.pk)]}
        response = operator.post("/admin/chat/generation/", chosen, follow=True)
        assert response.status_code == 200
        told = response.content.decode()
    assert "Redis does not answer" in told
    failed.refresh_from_db()
    assert (failed.status, failed.attempt) == (Status.FAILED, 3)
    reply.refresh_from_db()
    assert reply.content == "a purple walrus"
    assert "generation.requeue" not in _actions()


def test_stopping_without_redis_says_so(operator: Client, reply: Message, no_redis: None) -> None:
    Generation.objects.update(status=Status.RUNNING, worker_id="w1")
    assert "Redis does not answer" in _do(operator, Generation.objects.get(), "cancel")
    assert _actions() == []


@pytest.mark.django_db(transaction=True)
def test_of_two_who_delete_a_user_at_once_one_is_told_so(ana: User, reply: Message) -> None:
    office = [staff_client(staff_make(name, "admin")) for name in ("boss", "head")]
    address = f"/admin/accounts/user/{ana.pk}/delete/"

    def delete(client: Client) -> tuple[int, str]:
        response = client.post(address, {"post": "yes"}, follow=True)
        return response.status_code, response.content.decode()  # contexts mix: signals are global

    with ThreadPoolExecutor(2) as pool:
        made = [in_thread(pool, partial(delete, one)) for one in office]
    told = [future.result() for future in made]
    assert [status for status, _ in told] == [200, 200]
    assert sum("deleted successfully" in page for _, page in told) == 1
    late = next(page for _, page in told if "deleted successfully" not in page)
    assert "Somebody else has deleted" in late or "Perhaps it was deleted" in late
    assert not User.objects.filter(username="ana").exists()
    assert AuditEntry.objects.filter(action="user.delete").count() == 1


def test_a_user_who_is_gone_at_the_last_moment_is_told_and_not_logged(
    ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race, made certain: the other one's deletion ends while this page is being worked on."""
    from moderation.admin import users

    def slower(*, user: User) -> None:
        User.objects.filter(pk=user.pk).delete()
        account_erase(user=user)

    monkeypatch.setattr(users, "account_erase", slower)
    boss = staff_client(staff_make("boss", "admin"))
    page = boss.post(f"/admin/accounts/user/{ana.pk}/delete/", {"post": "yes"}, follow=True)
    assert page.status_code == 200
    assert "Somebody else has deleted" in page.content.decode()
    assert "deleted successfully" not in page.content.decode()
    assert _actions() == []
