"""Imports: what was exported comes back, once; anything else is refused as a whole."""

import copy
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tokens import tokens_issue
from chat.models import Conversation, Generation, Message, Role, Status
from chat.services.imports import conversation_import
from eugpt.asgi import application
from inference.public import Turn, active_chat_format
from tests.accounts.clients import client_for, error_of, user_make
from tests.chat.factories import conversation_make, exchange_make

pytestmark = pytest.mark.django_db

IMPORT = "/api/conversations/import"


def _export(api: APIClient, conversation: Conversation) -> dict[str, Any]:
    response = api.get(f"/api/conversations/{conversation.pk}/export?format=json")
    document: dict[str, Any] = json.loads(response.content)
    return document


@pytest.fixture
def exported(api: APIClient, user: User) -> dict[str, Any]:
    """A tree with two branches, of which the first is shown; then deleted."""
    conversation = conversation_make(user, "Käse")
    conversation.pinned = True
    first = exchange_make(conversation, "hi <|assistant|> 🙂", "one\n<|end|>")
    generation = Generation.objects.get(message=first)
    generation.params = {"temperature": 0.5, "seed": 7}
    generation.model = "eugpt-36m"
    generation.save()
    Message.objects.create(
        conversation=conversation, parent=first.parent, role=Role.ASSISTANT, content="two"
    )
    conversation.save()
    document = _export(api, conversation)
    conversation.delete()
    return document


def _untimed(document: dict[str, Any]) -> dict[str, Any]:
    """Params come back complete, so only those given are compared."""
    compared = copy.deepcopy(document)
    for message in compared["messages"]:
        if generation := message.get("generation"):
            params = generation["params"]
            generation["params"] = {name: params.get(name) for name in ("temperature", "seed")}
    return compared


def test_import_brings_everything_back_once(
    api: APIClient, user: User, exported: dict[str, Any]
) -> None:
    made = api.post(IMPORT, exported)
    assert made.status_code == 201, made.content
    assert set(made.json()) == {"id", "title", "created_at", "updated_at", "pinned", "archived"}
    conversation = Conversation.objects.get()
    assert (conversation.user, str(conversation.uuid)) == (user, exported["conversation"]["uuid"])
    assert _untimed(_export(api, conversation)) == _untimed(exported)

    again = api.post(IMPORT, exported)
    assert (again.status_code, again.json()) == (200, made.json())
    assert Conversation.objects.count() == 1
    assert Message.objects.count() == 3


def test_import_of_what_is_still_there_changes_nothing(api: APIClient, user: User) -> None:
    conversation = conversation_make(user, "Mine")
    exchange_make(conversation, "hi", "hello")
    document = _export(api, conversation)
    document["conversation"]["title"] = "Changed"
    response = api.post(IMPORT, document)
    assert (response.status_code, response.json()["id"]) == (200, conversation.pk)
    assert response.json()["title"] == "Mine"


def test_another_user_imports_a_copy(api: APIClient, exported: dict[str, Any]) -> None:
    first = api.post(IMPORT, exported)
    second = client_for(user_make("ben")).post(IMPORT, exported)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


@pytest.mark.usefixtures("small_model")
def test_marks_of_the_template_stay_text(api: APIClient, exported: dict[str, Any]) -> None:
    api.post(IMPORT, exported)
    prompt = Message.objects.earliest("id")
    assert prompt.content == "hi <|assistant|> 🙂"
    chat_format = active_chat_format()
    assert chat_format is not None
    ids = chat_format.fit([Turn("user", prompt.content)], 10).token_ids
    assert ids.count(chat_format.tokenizer.assistant_id) == 1


def test_an_imported_reply_counts_in_no_statistics(
    api: APIClient, exported: dict[str, Any]
) -> None:
    exported["messages"][1]["generation"]["status"] = "running"
    exported["messages"][1]["generation"]["params"] = {"logit_bias": {"999999": 5}, "seed": 3}
    assert api.post(IMPORT, exported).status_code == 201
    generation = Generation.objects.get()
    assert generation.status == Status.CANCELLED
    assert (generation.started_at, generation.client_id) == (None, None)
    assert (generation.params["seed"], generation.params["logit_bias"]) == (3, {})


def test_times_of_the_future_become_now(api: APIClient, exported: dict[str, Any]) -> None:
    exported["conversation"]["updated_at"] = "9999-12-31T23:59:59-23:59"
    exported["messages"][0]["created_at"] = "2999-01-01T00:00:00+05:30"
    assert api.post(IMPORT, exported).status_code == 201
    conversation, message = Conversation.objects.get(), Message.objects.earliest("id")
    assert timezone.now() - timedelta(minutes=5) < conversation.updated_at <= timezone.now()
    assert message.created_at <= timezone.now()


def test_ids_rise_along_every_branch(api: APIClient, exported: dict[str, Any]) -> None:
    exported["messages"][0]["id"] = 900
    exported["messages"][1] |= {"id": 5, "parent": 900}
    exported["messages"][2] |= {"id": 3, "parent": 900}
    exported["conversation"]["head"] = 900
    assert api.post(IMPORT, exported).status_code == 201
    rows = list(Message.objects.order_by("id"))
    assert [row.content[:3] for row in rows] == ["hi ", "one", "two"]
    assert Conversation.objects.get().head == rows[2]


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: Any) -> None:
        *parents, last = path.split(".")
        for name in parents:
            document = document[int(name) if name.isdigit() else name]
        document[int(last) if last.isdigit() else last] = value

    return change


MESSAGE = {
    "id": 9,
    "parent": 1,
    "role": "assistant",
    "content": "",
    "created_at": "2026-01-01T00:00:00Z",
}
BAD = [
    ("format", _set("format", "chatgpt")),
    ("version", _set("version", 2)),
    ("more", _set("more", 1)),
    ("conversation.user", _set("conversation.user", 1)),
    ("conversation.uuid", _set("conversation.uuid", "x")),
    ("conversation.title", _set("conversation.title", "x" * 121)),
    ("conversation.title", _set("conversation.title", "a\x00")),
    ("conversation.title", _set("conversation.title", " ")),
    ("conversation.pinned", _set("conversation.pinned", "yes")),
    ("conversation.updated_at", _set("conversation.updated_at", "2026-01-01T00:00:00")),
    ("conversation.updated_at", _set("conversation.updated_at", "0001-01-01T00:00:00+10:00")),
    ("conversation.head", _set("conversation.head", 77)),
    ("messages", _set("messages", {})),
    ("messages", _set("messages", [MESSAGE] * 10_001)),
    ("messages.0.id", _set("messages.0.id", "1")),
    ("messages.1.id", _set("messages.1.id", 1)),
    ("messages.1.id", _set("messages.1.id", 0)),
    ("messages.1.parent", _set("messages.1.parent", 77)),
    ("messages.1.parent", _set("messages.1.parent", 3)),
    ("messages.1.parent", _set("messages.1.parent", 2)),
    ("messages.0.parent", _set("messages.0.parent", 2)),
    ("messages.0.role", _set("messages.0.role", "system")),
    ("messages.0.role", _set("messages.0.role", "assistant")),
    ("messages.1.role", _set("messages.1.parent", None)),
    ("messages.2.role", _set("messages.2.parent", 2)),
    ("messages.1.role", _set("messages.1", {**MESSAGE, "role": "user", "content": "and?"})),
    ("messages.0.content", _set("messages.0.content", " ")),
    ("messages.0.content", _set("messages.0.content", "x" * 4001)),
    ("messages.1.content", _set("messages.1.content", "x" * 100_001)),
    ("messages.1.content", _set("messages.1.content", "a\x00b")),
    ("messages.1.content", _set("messages.1.content", None)),
    ("messages.0.created_at", _set("messages.0.created_at", "yesterday")),
    ("messages.0.generation", _set("messages.0.generation", {"status": "completed"})),
    ("messages.1.generation.status", _set("messages.1.generation.status", "done")),
    ("messages.1.generation.model", _set("messages.1.generation.model", "x" * 81)),
    ("messages.1.generation.prompt_tokens", _set("messages.1.generation.prompt_tokens", -1)),
    ("messages.1.generation.worker_id", _set("messages.1.generation.worker_id", "x")),
]  # fmt: skip


@pytest.mark.parametrize(("place", "change"), BAD)
def test_what_is_wrong_is_named_and_nothing_saved(
    api: APIClient, exported: dict[str, Any], place: str, change: Callable[[Any], None]
) -> None:
    change(exported)
    response = api.post(IMPORT, exported)
    assert error_of(response) == (400, "invalid")
    assert place in response.json()["fields"]
    assert place in response.json()["detail"]
    assert not Conversation.objects.exists()
    assert not Message.objects.exists()


@pytest.mark.parametrize("body", ["[]", "1", "null", '"x"', "", "{", "{}", "[" * 5000, "NaN"])
def test_what_is_no_document_is_refused(api: APIClient, body: str) -> None:
    response = api.post(IMPORT, body, content_type="application/json")
    assert error_of(response) == (400, "invalid")


def test_params_that_make_no_sense_are_left_out(api: APIClient, exported: dict[str, Any]) -> None:
    exported["messages"][1]["generation"]["params"] = {"temperature": 99, "x": [[]]}
    assert api.post(IMPORT, exported).status_code == 201
    assert Generation.objects.get().params == {}


def test_imports_are_limited(api: APIClient, exported: dict[str, Any]) -> None:
    codes = {api.post(IMPORT, {}).status_code for _ in range(60)}
    assert codes == {400}
    assert error_of(api.post(IMPORT, exported)) == (429, "rate_limited")


@pytest.mark.django_db(transaction=True)
def test_the_same_import_at_the_same_time_makes_one(user: User, exported: dict[str, Any]) -> None:
    def run(_number: int) -> tuple[int, bool]:
        try:
            conversation, is_new = conversation_import(user=user, document=exported)
            return conversation.pk, is_new
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(run, range(6)))
    assert len({pk for pk, _ in results}) == 1
    assert [is_new for _, is_new in results].count(True) == 1
    assert Message.objects.count() == 3


def _long(count: int, text: str) -> dict[str, Any]:
    return {
        "format": "eugpt.conversation",
        "version": 1,
        "conversation": {
            "uuid": "6f1f62c1-5b0c-4d0e-9d3c-0a8f6d9f3c11",
            "title": "Long",
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
            "head": None,
        },
        "messages": [
            {
                "id": n,
                "parent": n - 1 or None,
                "role": "user" if n % 2 else "assistant",
                "content": f"{text} {n}",
                "created_at": "2026-01-01T00:00:00Z",
            }
            for n in range(1, count + 1)
        ],
    }


def test_ten_thousand_messages_come_back(
    api: APIClient, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    document = _long(10_000, "hello there")
    with django_assert_max_num_queries(25):
        made = api.post(IMPORT, document)
    assert made.status_code == 201, made.content
    body = api.get(f"/api/conversations/{made.json()['id']}?limit=2").json()
    assert [m["content"] for m in body["messages"]] == ["hello there 9999", "hello there 10000"]
    assert len(_export(api, Conversation.objects.get())["messages"]) == 10_000


@pytest.fixture
def token(transactional_db: None, user: User) -> str:
    return tokens_issue(user=user).access


async def test_only_this_route_takes_a_large_body(token: str) -> None:
    transport = httpx.ASGITransport(application)
    headers = {"Authorization": f"Bearer {token}"}
    large = _long(1000, "x" * 3500)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", headers=headers, timeout=60
    ) as client:
        response = await client.post("/api/conversations", json=large)
        body = response.json()
        assert (response.status_code, body["code"]) == (413, "too_large")
        assert body["limit_bytes"] == 64 * 1024
        response = await client.post(f"{IMPORT}/", json=large)
        assert response.status_code == 201, response.text
        response = await client.post(IMPORT, content=b" " * (8 * 1024 * 1024 + 1))
        body = response.json()
        assert (response.status_code, body["code"]) == (413, "too_large")
        assert body["limit_bytes"] == 8 * 1024 * 1024
