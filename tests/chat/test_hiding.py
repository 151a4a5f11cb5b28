"""What a moderator hides is gone from every place where others would read it, and comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import transaction
from pytest_django import DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from accounts.export import _document
from accounts.models import User
from chat.errors import NotFound
from chat.generation.branches import write_again, write_edit
from chat.generation.history import begun_text, reply_turns, stored_turns
from chat.generation.lifecycle import Outcome, generation_claim, generation_finish
from chat.generation.traces import trace_write
from chat.models import Conversation, FinishReason, Generation, Message, Status
from chat.services.hiding import (
    conversation_hide,
    conversation_unhide,
    message_hide,
    message_unhide,
)
from tests.accounts.clients import error_of
from tests.chat.factories import conversation_make, exchange_make

pytestmark = pytest.mark.django_db
SECRET = "purple walrus"


@pytest.fixture
def chat(user: User) -> Conversation:
    conversation = conversation_make(user, "Animals")
    exchange_make(conversation, "tell me of dogs", "Dogs bark.")
    exchange_make(conversation, "and of walruses", f"The {SECRET} sings.")
    exchange_make(conversation, "and of cats", "Cats purr.")
    return conversation


@pytest.fixture
def hidden(chat: Conversation) -> Message:
    message = chat.messages.get(content__contains=SECRET)
    assert message_hide(message=message) == [message.pk]
    return message


def _address(chat: Conversation, rest: str = "") -> str:
    return f"/api/conversations/{chat.pk}{rest}"


def _read_everything(api: APIClient, chat: Conversation) -> str:
    """All that the owner and strangers can fetch of it."""
    shares = api.get(_address(chat, "/share")).json()
    addresses = [
        _address(chat), _address(chat, "?limit=3"), "/api/conversations?q=walrus",
        *(_address(chat, f"/export?format={name}") for name in ("json", "md", "txt")),
        *(share["path"] for share in shares),
    ]  # fmt: skip
    answers = [api.get(address) for address in addresses]
    assert all(answer.status_code == 200 for answer in answers)
    return "\n".join(answer.content.decode() for answer in answers)


def _account(user: User) -> str:
    return "".join(_document(user))


def test_a_hidden_message_is_read_nowhere_and_comes_back(
    api: APIClient, user: User, chat: Conversation
) -> None:
    assert api.post(_address(chat, "/share"), {}).status_code == 201  # made before
    message = chat.messages.get(content__contains=SECRET)
    address = f"/api/messages/{message.pk}"
    assert api.put(f"{address}/feedback", {"rating": "down"}).status_code == 200
    assert api.post(f"{address}/report", {"reason": "wrong"}).status_code == 201
    before = _read_everything(api, chat)
    assert before.count(SECRET) == 6
    assert SECRET in _account(user)

    message_hide(message=message)
    assert api.post(_address(chat, "/share"), {}).status_code == 201  # made after
    assert SECRET not in _read_everything(api, chat)
    assert SECRET not in _account(user)
    detail = api.get(_address(chat)).json()["messages"]
    assert [(m["content"], m["is_hidden"]) for m in detail[2:5]] == [
        ("and of walruses", False), ("", True), ("and of cats", False),
    ]  # fmt: skip
    shared = api.get(api.get(_address(chat, "/share")).json()[0]["path"]).json()["messages"]
    assert [m["is_hidden"] for m in shared] == [False, False, False, True, False, False]
    assert (
        "A moderator has hidden this message."
        in api.get(_address(chat, "/export?format=md")).content.decode()
    )

    assert message_unhide(message=message)
    assert not message_unhide(message=message)
    assert _read_everything(api, chat).count(SECRET) == 7  # and the second share


def test_what_needs_a_hidden_text_finds_nothing(
    api: APIClient, hidden: Message, small_model: None
) -> None:
    generation = hidden.generation
    Generation.objects.update(finish_reason=FinishReason.LENGTH, has_trace=True)
    trace_write(generation=generation, rows=[[5, "a", -0.1, []]])
    address = f"/api/messages/{hidden.pk}"
    not_there = (404, "not_found")
    assert error_of(api.get(f"{address}/trace")) == not_there
    assert error_of(api.put(f"{address}/feedback", {"rating": "up"})) == not_there
    assert error_of(api.post(f"{address}/report", {"reason": "wrong"})) == not_there
    assert error_of(api.post(f"{address}/continue", {})) == not_there
    assert error_of(api.post(f"{address}/branch", {"at": 0, "token": 5})) == not_there
    assert error_of(api.get(f"/api/generations/{generation.pk}")) == not_there
    assert error_of(api.get(f"/api/generations/{generation.pk}/stream")) == not_there


def test_a_hidden_prompt_is_not_answered_again(
    api: APIClient, chat: Conversation, small_model: None
) -> None:
    prompt = chat.messages.get(content="and of walruses")
    message_hide(message=prompt)
    reply = prompt.children.get()
    for message in (prompt, reply):
        answer = api.post(f"/api/messages/{message.pk}/regenerate", {})
        assert error_of(answer) == (404, "not_found")
    detail = api.get(_address(chat)).json()["messages"]
    assert [m["is_hidden"] for m in detail] == [False, False, True, False, False, False]


def test_who_hides_is_quicker_than_who_asks_again(chat: Conversation) -> None:
    """The message was read before it was hidden, and what is made of it is written afterwards."""
    reply = Message.objects.select_related("parent").get(content__contains=SECRET)
    prompt = reply.parent
    assert prompt is not None
    message_hide(message=reply)
    with pytest.raises(NotFound), transaction.atomic():
        write_again(chat.user, reply, is_begun=True)
    with transaction.atomic():  # another answer has none of its words
        assert write_again(chat.user, reply).reply.parent == prompt
    message_hide(message=prompt)
    for message in (reply, prompt):
        with pytest.raises(NotFound), transaction.atomic():
            write_again(chat.user, message)
    with pytest.raises(NotFound), transaction.atomic():
        write_edit(chat.user, prompt.pk, "and of cows")
    assert chat.messages.count() == 7


def test_a_hidden_reply_is_no_beginning(chat: Conversation) -> None:
    reply = chat.messages.get(content__contains=SECRET)
    longer = Generation(continues=reply.generation)
    assert SECRET in begun_text(longer)
    message_hide(message=reply)
    assert begun_text(longer) == ""


@pytest.mark.parametrize("words", ["and of walruses", SECRET])
def test_the_model_is_not_given_a_hidden_exchange(chat: Conversation, words: str) -> None:
    message_hide(message=chat.messages.get(content__contains=words))
    turns = reply_turns(chat.head_id or 0)
    assert [turn.content for turn in turns] == ["tell me of dogs", "Dogs bark.", "and of cats"]
    assert not any(words in turn.content for turn in stored_turns(chat.head_id, 10))


def test_the_meter_counts_no_hidden_exchange(api: APIClient, user: User, small_model: None) -> None:
    chat = conversation_make(user)
    replies = [exchange_make(chat, "hi", "ho") for _ in range(2)]

    def inside() -> list[bool]:
        meter = api.post(_address(chat, "/context"), {"draft": "hi"})
        return [m["is_inside"] for m in meter.json()["messages"]]

    assert inside() == [True] * 4
    message_hide(message=replies[0])
    assert inside() == [False, False, True, True]


def test_an_export_with_a_hidden_message_can_be_imported(
    api: APIClient, chat: Conversation, hidden: Message
) -> None:
    document = api.get(_address(chat, "/export?format=json")).json()
    chat.delete()
    answer = api.post("/api/conversations/import", document)
    assert answer.status_code == 201, answer.content
    messages = api.get(f"/api/conversations/{answer.json()['id']}").json()["messages"]
    assert [m["is_hidden"] for m in messages] == [False] * 3 + [True] + [False] * 2
    row = document["messages"][3]
    assert (row["content"], row["is_hidden"]) == ("", True)
    row["content"] = "back again"
    document["conversation"]["uuid"] = "6f1f62c1-5b0c-4d0e-9d3c-0a8f6d9f3c11"
    assert error_of(api.post("/api/conversations/import", document)) == (400, "invalid")


def test_what_goes_on_with_a_hidden_reply_is_hidden_with_it(chat: Conversation) -> None:
    reply = chat.messages.get(content__contains=SECRET)
    longer = Message.objects.create(
        conversation=chat, parent=reply.parent, role="assistant", content=reply.content + " Loud."
    )
    Generation.objects.create(
        message=longer, conversation=chat, user=chat.user, owner_key="u:1",
        continues=reply.generation, status=Status.COMPLETED,
    )  # fmt: skip
    assert message_hide(message=reply) == [reply.pk, longer.pk]
    assert message_hide(message=reply) == []


def _branch(source: Message, text: str, ids: list[int], begun: int) -> Message:
    """A reply beside it whose first `begun` tokens were given."""
    made = Message.objects.create(
        conversation=source.conversation, parent=source.parent, role="assistant", content=text
    )
    generation = Generation.objects.create(
        message=made, conversation=source.conversation, user=source.conversation.user,
        owner_key="u:1", begun_tokens=begun, status=Status.COMPLETED,
    )  # fmt: skip
    trace_write(generation=generation, rows=[[i, str(i), -0.1, []] for i in ids])
    return made


def test_what_branched_off_in_a_hidden_reply_is_hidden_with_it(chat: Conversation) -> None:
    """All but the last of the tokens that were given to a branch are those of its source."""
    reply = chat.messages.get(content__contains=SECRET)
    trace_write(generation=reply.generation, rows=[[i, str(i), -0.1, []] for i in (1, 2, 3, 4)])
    late = _branch(reply, f"The {SECRET} hums.", [1, 2, 3, 9, 8], 4)
    of_late = _branch(reply, f"The {SECRET} hums low.", [1, 2, 3, 9, 7], 5)
    ended = _branch(reply, "The", [1], 1)
    others = [
        _branch(reply, "Another first word.", [5, 6], 1),
        _branch(reply, "Off in some other reply.", [5, 6, 7], 3),
        _branch(reply, "The same by chance, off in another.", [1, 6, 7], 3),
    ]
    assert message_hide(message=reply) == [reply.pk, late.pk, of_late.pk, ended.pk]
    assert not any(Message.objects.get(pk=other.pk).is_hidden for other in others)


def test_the_title_made_of_a_hidden_prompt_goes_with_it(api: APIClient, user: User) -> None:
    conversation = conversation_make(user, f"of a {SECRET}")
    exchange_make(conversation, f"of a {SECRET}", "Yes.")
    path = api.post(_address(conversation, "/share"), {}).json()["path"]
    prompt = conversation.messages.get(role="user")
    message_hide(message=prompt)
    assert api.get("/api/conversations").json()[0]["title"] == "New chat"
    assert api.get(path).json()["title"] == "New chat"
    message_unhide(message=prompt)
    assert api.get("/api/conversations").json()[0]["title"] == f"of a {SECRET}"
    assert api.get(path).json()["title"] == f"of a {SECRET}"


def test_a_hidden_conversation_is_gone_until_it_is_unhidden(
    api: APIClient, user: User, chat: Conversation, small_model: None
) -> None:
    path = api.post(_address(chat, "/share"), {}).json()["path"]
    document = api.get(_address(chat, "/export")).json()
    reply, generation = chat.head, Generation.objects.latest("queued_at")
    assert reply is not None
    assert conversation_hide(conversation=chat)
    assert not conversation_hide(conversation=chat)

    asked: list[Any] = [
        api.get(_address(chat)), api.patch(_address(chat), {"title": "x"}),
        api.delete(_address(chat)), api.get(_address(chat, "/export")),
        api.get(_address(chat, "/share")), api.post(_address(chat, "/share"), {}),
        api.get(path), api.post("/api/conversations/import", document),
        api.post("/api/chat", {"message": "hi", "conversation_id": chat.pk}),
        api.post(_address(chat, "/context"), {"draft": "hi"}),
        api.post(f"/api/messages/{reply.pk}/regenerate", {}),
        api.put(f"/api/messages/{reply.pk}/feedback", {"rating": "up"}),
        api.delete(f"/api/messages/{reply.pk}/feedback"),
        api.get(f"/api/generations/{generation.pk}"),
    ]  # fmt: skip
    assert [error_of(answer) for answer in asked] == [(404, "not_found")] * len(asked)
    for query in ("", "?archived=all", "?q=Animals", "?q=purr"):
        assert api.get(f"/api/conversations{query}").json() == []
    bulk = api.post("/api/conversations/bulk", {"ids": [chat.pk], "action": "delete"})
    assert bulk.json() == {"changed": 0, "not_found": 1}
    api.post("/api/conversations/bulk", {"all": True, "action": "delete"})
    titles = [c["conversation"]["title"] for c in json.loads(_account(user))["conversations"]]
    assert titles == ["Animals"]

    assert conversation_unhide(conversation=chat)
    assert not conversation_unhide(conversation=chat)
    assert SECRET in _read_everything(api, chat)


@pytest.mark.parametrize("kind", ["reply", "prompt", "conversation"])
@pytest.mark.parametrize("is_running", [True, False])
def test_hiding_stops_what_is_written(
    chat: Conversation,
    kind: str,
    is_running: bool,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    reply = exchange_make(chat, "one more", "")
    rows = Generation.objects.filter(message=reply)
    rows.update(status=Status.QUEUED, finish_reason=FinishReason.NONE)
    claimed = generation_claim(worker_id="w1") if is_running else None
    assert reply.parent is not None
    with django_capture_on_commit_callbacks(execute=True):
        if kind == "conversation":
            conversation_hide(conversation=chat)
        else:
            message_hide(message=reply if kind == "reply" else reply.parent)
    if claimed is None:
        assert rows.get().status == Status.CANCELLED
        return
    outcome = Outcome(Status.CANCELLED, FinishReason.CANCELLED, text="late words")
    assert generation_finish(generation=claimed, outcome=outcome)
    reply.refresh_from_db()
    assert reply.content == "late words"
    assert reply.shown_content == ("" if kind == "reply" else "late words")
