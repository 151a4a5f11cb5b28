"""Shares: copies that anyone with the slug reads, until revoked or expired."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import user_reactivate, user_suspend
from accounts.tasks import prune
from chat.models import Conversation, Generation, Message, Role, Share, Status
from chat.services.shares import SHARED_MESSAGES_MAX
from tests.accounts.clients import client_for, error_of, user_make
from tests.chat.factories import conversation_make, exchange_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def chat(user: User) -> Conversation:
    conversation = conversation_make(user, "Dogs")
    exchange_make(conversation, "do you like dogs", "I do.")
    Generation.objects.update(model="eugpt-36m")
    return conversation


def _address(conversation: Conversation) -> str:
    return f"/api/conversations/{conversation.pk}/share"


def _share(api: APIClient, conversation: Conversation, **body: Any) -> dict[str, Any]:
    response = api.post(_address(conversation), body)
    assert response.status_code == 201, response.content
    share: dict[str, Any] = response.json()
    return share


def test_a_share_is_a_copy_that_anyone_reads(api: APIClient, chat: Conversation) -> None:
    share = _share(api, chat)
    assert set(share) == {"slug", "path", "created_at", "expires_at"}
    assert share["path"] == f"/api/shared/{share['slug']}"
    assert share["expires_at"] is None
    assert len(share["slug"]) >= 22
    exchange_make(chat, "and cats", "no")
    chat.title = "Changed"
    chat.save()

    response = APIClient().get(share["path"])
    assert response.status_code == 200
    assert response["X-Robots-Tag"] == "noindex, nofollow"
    assert response["Cache-Control"] == "no-store"
    body = response.json()
    assert set(body) == {"title", "created_at", "expires_at", "omitted", "messages"}
    assert (body["title"], body["omitted"]) == ("Dogs", 0)
    shown = [(m["role"], m["content"], m["model"]) for m in body["messages"]]
    assert shown == [("user", "do you like dogs", ""), ("assistant", "I do.", "eugpt-36m")]
    names = {"role", "content", "created_at", "model", "notice", "is_hidden"}
    assert all(set(m) == names for m in body["messages"])
    assert b"ana" not in response.content


def test_a_share_has_the_shown_branch_without_what_is_being_written(
    api: APIClient, chat: Conversation
) -> None:
    asked = Message.objects.get(role=Role.USER)
    Message.objects.create(
        conversation=chat, parent=asked, role=Role.ASSISTANT, content="Another answer."
    )
    failed = exchange_make(chat, "second", "")
    running = exchange_make(chat, "third", "half an ans")
    Generation.objects.filter(message=failed).update(status=Status.FAILED)
    Generation.objects.filter(message=running).update(status=Status.RUNNING)
    share = _share(api, chat)
    contents = [m["content"] for m in APIClient().get(share["path"]).json()["messages"]]
    assert contents == ["do you like dogs", "I do.", "second", "third"]


def test_a_share_of_a_very_long_conversation_has_the_newest(api: APIClient, user: User) -> None:
    conversation = conversation_make(user)
    first = Message.objects.create(conversation=conversation, role=Role.USER, content="0")
    Message.objects.bulk_create(
        Message(
            pk=first.pk + n, conversation=conversation, parent_id=first.pk + n - 1,
            role=Role.USER, content=str(n),
        )
        for n in range(1, SHARED_MESSAGES_MAX + 3)
    )  # fmt: skip
    Conversation.objects.update(head=first.pk + SHARED_MESSAGES_MAX + 2)
    body = APIClient().get(_share(api, conversation)["path"]).json()
    assert (len(body["messages"]), body["omitted"]) == (SHARED_MESSAGES_MAX, 3)
    assert body["messages"][0]["content"] == "3"


def test_shares_are_listed_revoked_and_gone(api: APIClient, chat: Conversation) -> None:
    first, second, third = (_share(api, chat, expires_in_days=days) for days in (1, 365, None))
    listed = api.get(_address(chat)).json()
    assert listed == [third, second, first]
    assert api.delete(f"{_address(chat)}/{first['slug']}").status_code == 204
    assert error_of(APIClient().get(first["path"])) == (404, "not_found")
    assert error_of(api.delete(f"{_address(chat)}/{first['slug']}")) == (404, "not_found")
    assert APIClient().get(second["path"]).status_code == 200
    assert api.delete(_address(chat)).status_code == 204
    assert api.get(_address(chat)).json() == []
    assert error_of(APIClient().get(third["path"])) == (404, "not_found")


def test_expired_revoked_and_unknown_look_alike(api: APIClient, chat: Conversation) -> None:
    expired, revoked = _share(api, chat, expires_in_days=1), _share(api, chat)
    Share.objects.filter(slug=expired["slug"]).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    api.delete(f"{_address(chat)}/{revoked['slug']}")
    paths = [expired["path"], revoked["path"], "/api/shared/x", "/api/shared/" + "x" * 500]
    answers = [APIClient().get(path) for path in paths]
    assert {error_of(answer) for answer in answers} == {(404, "not_found")}
    assert len({answer.content for answer in answers}) == 1
    assert api.get(_address(chat)).json() == []
    for odd in ("%00", "a%00", "%F0%9F%99%82", "'"):
        assert APIClient().get(f"/api/shared/{odd}").status_code == 404


def test_a_suspended_users_shares_cannot_be_read(
    api: APIClient, user: User, chat: Conversation
) -> None:
    path = _share(api, chat)["path"]
    user_suspend(user=user)
    assert error_of(APIClient().get(path)) == (404, "not_found")
    user_reactivate(user=user)
    assert APIClient().get(path).status_code == 200


def test_pruning_deletes_what_has_expired(api: APIClient, chat: Conversation) -> None:
    old, new = _share(api, chat, expires_in_days=1), _share(api, chat, expires_in_days=2)
    forever = _share(api, chat)
    Share.objects.filter(slug=old["slug"]).update(expires_at=timezone.now())
    prune()
    assert {share.slug for share in Share.objects.all()} == {new["slug"], forever["slug"]}


def test_live_shares_of_a_conversation_are_bounded(api: APIClient, chat: Conversation) -> None:
    shares = [_share(api, chat, expires_in_days=1) for _ in range(20)]
    refused = api.post(_address(chat), {})
    assert error_of(refused) == (409, "too_many_shares")
    assert refused.json()["limit"] == 20
    Share.objects.filter(slug=shares[0]["slug"]).update(expires_at=timezone.now())
    _share(api, chat)
    assert Share.objects.count() == 20


def test_the_end_of_the_conversation_or_the_user_ends_the_shares(
    api: APIClient, user: User, chat: Conversation
) -> None:
    other = conversation_make(user)
    exchange_make(other, "hi", "hello")
    first, second = _share(api, chat), _share(api, other)
    assert api.delete(f"/api/conversations/{chat.pk}").status_code == 204
    assert APIClient().get(first["path"]).status_code == 404
    assert APIClient().get(second["path"]).status_code == 200
    user.delete()
    assert not Share.objects.exists()


def test_reading_is_limited_by_address(api: APIClient, chat: Conversation) -> None:
    path = _share(api, chat)["path"]
    codes = [APIClient().get(path, REMOTE_ADDR="192.0.2.1").status_code for _ in range(61)]
    assert codes == [200] * 60 + [429]
    assert APIClient().get(path, REMOTE_ADDR="192.0.2.2").status_code == 200


def test_lists_and_reads_take_a_fixed_number_of_queries(
    api: APIClient, chat: Conversation, django_assert_num_queries: Callable[..., Any]
) -> None:
    paths = [_share(api, chat)["path"] for _ in range(5)]
    with django_assert_num_queries(1 + 1 + 1):
        assert len(api.get(_address(chat)).json()) == 5
    with django_assert_num_queries(2):  # the copy, and what of it is hidden now
        APIClient().get(paths[0])


@pytest.mark.parametrize(
    "body",
    [{"expires_in_days": 0}, {"expires_in_days": 366}, {"expires_in_days": "soon"},
     {"slug": "mine"}],
)  # fmt: skip
def test_bad_input_is_refused(api: APIClient, chat: Conversation, body: dict[str, Any]) -> None:
    assert error_of(api.post(_address(chat), body)) == (400, "invalid")
    assert not Share.objects.exists()


def test_nothing_is_shared_of_an_empty_conversation(api: APIClient, user: User) -> None:
    assert error_of(api.post(_address(conversation_make(user)), {})) == (400, "invalid")


def test_only_the_owner_shares_lists_and_revokes(api: APIClient, chat: Conversation) -> None:
    share = _share(api, chat)
    ben = client_for(user_make("ben"))
    for method in ("get", "post", "delete"):
        assert error_of(getattr(ben, method)(_address(chat))) == (404, "not_found")
    own = conversation_make(User.objects.get(username="ben"))
    for conversation in (chat, own):
        answer = ben.delete(f"{_address(conversation)}/{share['slug']}")
        assert error_of(answer) == (404, "not_found")
    assert error_of(APIClient().get(_address(chat))) == (401, "not_authenticated")
    assert APIClient().get(share["path"]).status_code == 200
