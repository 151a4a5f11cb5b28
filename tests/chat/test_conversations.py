"""The conversation routes: shapes, input, ownership, number of queries."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from chat.delivery.streams import read_written
from chat.models import Conversation, Generation, Message, Status
from tests.accounts.clients import client_for, error_of, user_make
from tests.chat.factories import conversation_make, exchange_make

pytestmark = pytest.mark.django_db

SUMMARY = {"id", "title", "created_at", "updated_at", "pinned", "archived"}
AUTH_QUERIES = 1


@pytest.fixture
def user() -> User:
    return user_make()


@pytest.fixture
def client(user: User) -> APIClient:
    return client_for(user)


def test_create_answers_the_summary(client: APIClient, user: User) -> None:
    response = client.post("/api/conversations", {})
    assert response.status_code == 201
    body = response.json()
    assert set(body) == SUMMARY
    assert body["title"] == "New chat"
    assert (body["pinned"], body["archived"]) == (False, False)
    assert Conversation.objects.get().user == user
    titled = client.post("/api/conversations/", {"title": "  Dogs  "})
    assert titled.json()["title"] == "Dogs"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "   "}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"title": None}, "title"),
        ({"title": ["x"]}, "title"),
        ({"title": "nul \x00"}, "title"),
        ({"name": "x"}, "name"),
        ({"user": 1}, "user"),
    ],
)
def test_create_refuses_bad_input(client: APIClient, body: dict[str, Any], field: str) -> None:
    import json

    response = client.post("/api/conversations", json.dumps(body), content_type="application/json")
    assert error_of(response) == (400, "invalid")
    assert set(response.json()["fields"]) == {field}
    assert not Conversation.objects.exists()


def test_half_a_character_is_refused_with_the_whole_body(client: APIClient) -> None:
    body = '{"title": "half \\ud800"}'
    response = client.post("/api/conversations", body, content_type="application/json")
    assert error_of(response) == (400, "invalid")
    assert not Conversation.objects.exists()


def test_list_is_a_plain_array_of_summaries(client: APIClient, user: User) -> None:
    conversation_make(user)
    conversation_make(user_make("ben"))
    response = client.get("/api/conversations")
    body = response.json()
    assert isinstance(body, list)
    assert [set(row) for row in body] == [SUMMARY]
    assert "Link" not in response
    assert client.get("/api/conversations/").json() == body


def test_list_takes_one_query_however_long(
    client: APIClient, user: User, django_assert_num_queries: Callable[..., Any]
) -> None:
    for number in range(12):
        exchange_make(conversation_make(user, f"Chat {number}"), "hi", "hello")
    with django_assert_num_queries(AUTH_QUERIES + 1):
        assert len(client.get("/api/conversations").json()) == 12
    with django_assert_num_queries(AUTH_QUERIES + 2):
        assert len(client.get("/api/conversations?q=hello").json()) == 12


def test_detail_adds_head_and_messages(client: APIClient, user: User) -> None:
    conversation = conversation_make(user)
    reply = exchange_make(conversation, "hi", "hello")
    body = client.get(f"/api/conversations/{conversation.pk}").json()
    assert set(body) == SUMMARY | {"head", "messages"}
    assert body["head"] == reply.pk
    asked, answered = body["messages"]
    assert set(asked) == {
        "id", "role", "content", "created_at", "parent", "generation", "notice", "feedback",
        "is_reported", "is_hidden",
    }  # fmt: skip
    assert (asked["role"], asked["content"], asked["parent"]) == ("user", "hi", None)
    assert asked["generation"] is None
    assert (answered["role"], answered["parent"]) == ("assistant", asked["id"])
    generation = Generation.objects.get()
    assert answered["generation"] == {
        "id": str(generation.pk),
        "status": "completed",
        "finish_reason": "stop",
        "error_code": "",
        "context_trimmed": 0,
        "model": "",
        "params": {},
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "begun_tokens": 0,
        "timings": None,
        "has_trace": False,
    }


def test_detail_of_an_empty_conversation(client: APIClient, user: User) -> None:
    body = client.get(f"/api/conversations/{conversation_make(user).pk}/").json()
    assert (body["head"], body["messages"]) == (None, [])


def test_detail_takes_three_queries_however_long(
    client: APIClient, user: User, django_assert_num_queries: Callable[..., Any]
) -> None:
    conversation = conversation_make(user)
    for number in range(8):
        exchange_make(conversation, f"question {number}", "answer")
    with django_assert_num_queries(AUTH_QUERIES + 3):
        body = client.get(f"/api/conversations/{conversation.pk}").json()
    ids = [message["id"] for message in body["messages"]]
    assert len(ids) == 16
    assert ids == sorted(ids)


def test_update_changes_what_it_names_and_keeps_the_place(client: APIClient, user: User) -> None:
    conversation = conversation_make(user)
    address = f"/api/conversations/{conversation.pk}"
    body = client.patch(address, {"title": "Cats", "pinned": True}).json()
    assert set(body) == SUMMARY
    assert (body["title"], body["pinned"], body["archived"]) == ("Cats", True, False)
    assert client.patch(address, {"archived": True}).json()["title"] == "Cats"
    assert client.patch(address, {}).status_code == 200
    before = conversation.updated_at
    conversation.refresh_from_db()
    assert conversation.updated_at == before
    assert (conversation.pinned, conversation.archived) == (True, True)


@pytest.mark.parametrize(
    "body",
    [
        {"pinned": "yes"},
        {"pinned": 1},
        {"archived": None},
        {"title": ""},
        {"head": 1},
        {"head": None},
        {"head": 2**70},
        {"id": 9},
    ],
)
def test_update_refuses_bad_input(client: APIClient, user: User, body: dict[str, Any]) -> None:
    conversation = conversation_make(user)
    response = client.patch(f"/api/conversations/{conversation.pk}", body)
    assert error_of(response) == (400, "invalid")
    assert set(response.json()["fields"]) == set(body)


def test_delete_removes_messages_and_generations(client: APIClient, user: User) -> None:
    conversation = conversation_make(user)
    exchange_make(conversation, "hi", "hello")
    address = f"/api/conversations/{conversation.pk}"
    response = client.delete(address)
    assert response.status_code == 204
    assert response.content == b""
    assert not Message.objects.exists()
    assert not Generation.objects.exists()
    assert error_of(client.delete(address)) == (404, "not_found")


def test_delete_ends_a_reply_that_waits(client: APIClient, user: User) -> None:
    conversation = conversation_make(user)
    reply = exchange_make(conversation, "hi", "")
    Generation.objects.filter(message=reply).update(status=Status.QUEUED, finish_reason="")
    generation_id = str(Generation.objects.get().pk)
    assert client.delete(f"/api/conversations/{conversation.pk}").status_code == 204
    assert not Generation.objects.exists()
    assert [entry.type for entry in read_written(generation_id).entries] == ["done"]


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_another_users_conversation_looks_like_none(client: APIClient, method: str) -> None:
    foreign = conversation_make(user_make("ben"), "Private")
    other = getattr(client, method)(f"/api/conversations/{foreign.pk}")
    missing = getattr(client, method)("/api/conversations/99999999999999999999999")
    assert error_of(other) == (404, "not_found")
    assert other.json() == missing.json()
    assert Conversation.objects.filter(title="Private").exists()


@pytest.mark.parametrize("path", ["/api/conversations", "/api/conversations/1"])
def test_conversations_need_a_token(path: str) -> None:
    assert error_of(APIClient().get(path)) == (401, "not_authenticated")


def test_unknown_routes_and_methods_answer_json(client: APIClient) -> None:
    assert error_of(client.get("/api/conversations/abc")) == (404, "not_found")
    assert error_of(client.get("/api/nothing/here/")) == (404, "not_found")
    assert error_of(client.put("/api/conversations", {})) == (405, "method_not_allowed")


def test_one_unfinished_generation_a_conversation(user: User) -> None:
    from django.db import IntegrityError, transaction

    conversation = conversation_make(user)
    first = Generation.objects.create(conversation=conversation, owner_key="u:1")
    with pytest.raises(IntegrityError), transaction.atomic():
        Generation.objects.create(conversation=conversation, owner_key="u:1", status=Status.RUNNING)
    Generation.objects.filter(pk=first.pk).update(status=Status.COMPLETED)
    Generation.objects.create(conversation=conversation, owner_key="u:1")
