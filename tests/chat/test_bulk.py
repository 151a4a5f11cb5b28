"""One action on many conversations: counted, atomic, never on somebody else's."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from chat.delivery.streams import read_written
from chat.models import Conversation, Generation, Message, Status
from tests.accounts.clients import error_of, user_make
from tests.chat.factories import conversation_make, exchange_make

pytestmark = pytest.mark.django_db

BULK = "/api/conversations/bulk"


@pytest.mark.parametrize(
    ("action", "field", "value"),
    [("archive", "archived", True), ("unarchive", "archived", False),
     ("pin", "pinned", True), ("unpin", "pinned", False)],
)  # fmt: skip
def test_actions_change_what_is_named(
    api: APIClient, user: User, action: str, field: str, value: bool
) -> None:
    chosen = [conversation_make(user) for _ in range(2)]
    other = conversation_make(user)
    Conversation.objects.update(**{field: not value})
    before = other.updated_at
    ids = [conversation.pk for conversation in chosen]
    body = api.post(BULK, {"ids": [*ids, ids[0]], "action": action})
    assert (body.status_code, body.json()) == (200, {"changed": 2, "not_found": 0})
    values = dict(Conversation.objects.values_list("pk", field))
    assert values == {ids[0]: value, ids[1]: value, other.pk: not value}
    chosen[0].refresh_from_db()
    assert chosen[0].updated_at < before


def test_others_conversations_are_not_found_and_stay(api: APIClient, user: User) -> None:
    own = conversation_make(user)
    foreign = conversation_make(user_make("ben"))
    reply = exchange_make(foreign, "hi", "")
    Generation.objects.filter(message=reply).update(status=Status.QUEUED, finish_reason="")
    body = {"ids": [own.pk, foreign.pk, 10**15], "action": "delete"}
    assert api.post(BULK, body).json() == {"changed": 1, "not_found": 2}
    assert list(Conversation.objects.all()) == [foreign]
    assert Generation.objects.get().status == Status.QUEUED


def test_delete_stops_what_is_being_written(api: APIClient, user: User) -> None:
    generations = []
    for status in (Status.QUEUED, Status.RUNNING):
        conversation = conversation_make(user)
        reply = exchange_make(conversation, "hi", "")
        generation = Generation.objects.get(message=reply)
        Generation.objects.filter(pk=generation.pk).update(status=status, finish_reason="")
        generations.append(str(generation.pk))
    answer = api.post(BULK, {"all": True, "action": "delete"})
    assert answer.json() == {"changed": 2, "not_found": 0}
    assert not Message.objects.exists()
    assert not Generation.objects.exists()
    assert [entry.type for entry in read_written(generations[0]).entries] == ["done"]


def test_all_means_all_of_the_user(api: APIClient, user: User) -> None:
    for number in range(3):
        conversation_make(user, archived := f"{number}")
        Conversation.objects.filter(title=archived).update(archived=number == 1)
    foreign = conversation_make(user_make("ben"))
    answer = api.post(BULK, {"all": True, "action": "archive"})
    assert answer.json() == {"changed": 3, "not_found": 0}
    assert api.post(BULK, {"all": True, "action": "delete"}).json()["changed"] == 3
    assert api.post(BULK, {"all": True, "action": "delete"}).json()["changed"] == 0
    assert list(Conversation.objects.all()) == [foreign]
    foreign.refresh_from_db()
    assert not foreign.archived


def test_actions_take_a_fixed_number_of_queries(
    api: APIClient, user: User, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    ids = []
    for _ in range(30):
        conversation = conversation_make(user)
        exchange_make(conversation, "hi", "hello")
        ids.append(conversation.pk)
    with django_assert_max_num_queries(5):
        api.post(BULK, {"ids": ids, "action": "pin"})
    with django_assert_max_num_queries(20):
        api.post(BULK, {"ids": ids, "action": "delete"})
    assert not Conversation.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"action": "delete"},
        {"ids": [], "action": "delete"},
        {"ids": [1]},
        {"ids": [1], "action": "destroy"},
        {"ids": [1], "all": True, "action": "delete"},
        {"all": False, "action": "delete"},
        {"all": 1, "action": "delete"},
        {"ids": list(range(1, 102)), "action": "delete"},
        {"ids": ["x"], "action": "delete"},
        {"ids": [0], "action": "delete"},
        {"ids": [2**63], "action": "delete"},
        {"ids": 1, "action": "delete"},
        {"ids": [1], "action": "delete", "force": True},
    ],
)
def test_bad_input_is_refused(api: APIClient, user: User, body: dict[str, Any]) -> None:
    conversation_make(user)
    assert error_of(api.post(BULK, body)) == (400, "invalid")
    assert Conversation.objects.exists()


def test_bulk_needs_a_token() -> None:
    answer = APIClient().post(BULK, {"all": True, "action": "delete"})
    assert error_of(answer) == (401, "not_authenticated")
