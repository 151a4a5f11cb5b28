"""Submitting: what is written, what is refused, and that nothing is ever half-saved."""

from contextlib import suppress
from typing import Any

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.store import redis_client
from chat.errors import (
    ApiError,
    BadParams,
    GenerationRunning,
    Invalid,
    ModelUnavailable,
    NotFound,
    PromptTooLong,
    QueueFull,
    RateLimited,
    TooManyReplies,
    Unavailable,
)
from chat.generation.branches import make_title
from chat.generation.submit import Owner, generation_submit
from chat.models import Conversation, Generation, Message, Status
from chat.tasks import run_generation
from tests.accounts.clients import user_make
from tests.chat.factories import conversation_make, exchange_make
from tests.chat_delivery.generations import kept_turns

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tiny")]


def test_submit_writes_an_exchange_and_queues_it(member: Owner, sent: list[str]) -> None:
    submitted = generation_submit(owner=member, text="  hello there ", client_id="a")
    conversation = Conversation.objects.get()
    prompt, reply = Message.objects.order_by("id")
    generation = Generation.objects.get()
    assert (prompt.content, prompt.role, prompt.parent) == ("hello there", "user", None)
    assert (reply.content, reply.role, reply.parent) == ("", "assistant", prompt)
    assert conversation.head == reply
    assert conversation.title == "hello there"
    assert (generation.status, generation.attempt, generation.message) == ("queued", 0, reply)
    assert generation.params["seed"] is not None
    assert sent == [str(submitted.generation_id)]
    assert submitted.place is not None
    assert submitted.place.position == 1


def test_submit_continues_the_shown_branch(member: Owner, user: User, sent: list[str]) -> None:
    conversation = conversation_make(user, title="Mine")
    head = exchange_make(conversation, "hi", "hello")
    generation_submit(owner=member, text="again", conversation_id=conversation.pk)
    conversation.refresh_from_db()
    assert conversation.title == "Mine"
    assert conversation.head is not None
    assert conversation.head.parent is not None
    assert conversation.head.parent.parent == head


def test_submit_same_client_id_returns_the_first(member: Owner, sent: list[str]) -> None:
    first = generation_submit(owner=member, text="hello", client_id="x")
    again = generation_submit(owner=member, text="hello", client_id="x")
    assert again.generation_id == first.generation_id
    assert again.assistant_message_id == first.assistant_message_id
    assert Message.objects.count() == 2
    assert len(sent) == 1


def test_submit_client_ids_of_two_owners_do_not_meet(member: Owner, sent: list[str]) -> None:
    other = Owner.member(user_make("ben"))
    first = generation_submit(owner=member, text="hello", client_id="x")
    second = generation_submit(owner=other, text="hello", client_id="x")
    assert first.generation_id != second.generation_id


def test_submit_guests_of_one_address_do_not_get_each_others_reply(sent: list[str]) -> None:
    first = generation_submit(owner=Owner.guest("192.0.2.1"), text="mine", client_id="1")
    again = generation_submit(owner=Owner.guest("192.0.2.1"), text="mine", client_id="1")
    other = generation_submit(owner=Owner.guest("192.0.2.1"), text="theirs", client_id="1")
    assert first.generation_id == again.generation_id
    assert first.generation_id != other.generation_id


def test_submit_one_running_reply_in_a_conversation(member: Owner, sent: list[str]) -> None:
    first = generation_submit(owner=member, text="hello")
    with pytest.raises(GenerationRunning) as caught:
        generation_submit(owner=member, text="more", conversation_id=first.conversation_id)
    assert caught.value.data == {"generation": str(first.generation_id)}
    assert Message.objects.count() == 2


def test_submit_guest_text_is_never_in_the_database(guest: Owner, sent: list[str]) -> None:
    history = [{"role": "user", "content": "secret1"}, {"role": "assistant", "content": "secret2"}]
    submitted = generation_submit(owner=guest, text="secret3", history_input=history)
    turns = kept_turns(submitted.generation_id)
    assert turns is not None
    assert [t.content for t in turns] == ["secret1", "secret2", "secret3"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(g)::text FROM chat_generation g")
        assert "secret" not in str(cursor.fetchall())
    assert not Message.objects.exists()


HISTORY = [{"role": "user", "content": "secret1"}, {"role": "assistant", "content": "secret2"}]


def test_submit_temporary_text_is_never_in_the_database(
    member: Owner, user: User, sent: list[str]
) -> None:
    submitted = generation_submit(
        owner=member, text="secret3", history_input=HISTORY, is_temporary=True, client_id="t"
    )
    assert (submitted.conversation_id, submitted.assistant_message_id) == (None, None)
    turns = kept_turns(submitted.generation_id)
    assert turns is not None
    assert [t.content for t in turns] == ["secret1", "secret2", "secret3"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(g)::text FROM chat_generation g")
        assert "secret" not in str(cursor.fetchall())
    assert not Message.objects.exists()
    generation = Generation.objects.get()
    assert (generation.user, generation.owner_key) == (user, member.key)
    again = generation_submit(
        owner=member, text="secret3", history_input=HISTORY, is_temporary=True, client_id="t"
    )
    assert again.generation_id == submitted.generation_id
    assert len(sent) == 1


def test_submit_temporary_counts_as_the_members(
    member: Owner, sent: list[str], settings: Settings
) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "prompt": "2 per minute"}
    for _ in range(2):
        generation_submit(owner=member, text="hi", is_temporary=True)
    with pytest.raises(RateLimited):
        generation_submit(owner=member, text="hi")
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "prompt": "100 per minute"}
    settings.QUEUE_LIMIT_MEMBER = 2
    with pytest.raises(TooManyReplies):
        generation_submit(owner=member, text="hi", is_temporary=True)
    assert len(sent) == 2


def test_submit_temporary_prompt_is_in_no_conversation(
    member: Owner, user: User, sent: list[str]
) -> None:
    conversation = conversation_make(user)
    wishes: list[dict[str, Any]] = [
        {"is_temporary": True, "conversation_id": conversation.pk},
        {"history_input": HISTORY},
        {"is_temporary": True, "history_input": HISTORY[:1]},
    ]
    for wish in wishes:
        with pytest.raises(Invalid):
            generation_submit(owner=member, text="hi", **wish)
    assert not Generation.objects.exists()


def test_submit_takes_back_what_could_not_be_queued(
    member: Owner, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = conversation_make(user)
    head = exchange_make(conversation, "hi", "hello")

    def broken(_: str) -> None:
        raise ConnectionError("the broker is gone")

    monkeypatch.setattr(run_generation, "delay", broken)
    for conversation_id in (conversation.pk, None):
        with pytest.raises(Unavailable):
            generation_submit(owner=member, text="lost", conversation_id=conversation_id)
    empty = conversation_make(user, title="Kept")
    with pytest.raises(Unavailable):
        generation_submit(owner=member, text="lost", conversation_id=empty.pk)
    conversation.refresh_from_db()
    assert conversation.head == head
    assert Message.objects.count() == 2
    assert set(Conversation.objects.values_list("title", flat=True)) == {"A chat", "Kept"}
    assert not Generation.objects.filter(status=Status.QUEUED).exists()


def test_submit_refuses_when_the_queue_is_full(
    member: Owner, guest: Owner, sent: list[str], settings: Settings
) -> None:
    settings.QUEUE_LIMIT = 2
    generation_submit(owner=member, text="1")
    generation_submit(owner=guest, text="2")
    with pytest.raises(QueueFull) as caught:
        generation_submit(owner=guest, text="3")
    assert caught.value.data["retry_after"] >= 1
    assert Generation.objects.count() == 2


def test_submit_forgets_the_words_of_a_refused_guest(
    guest: Owner, sent: list[str], settings: Settings
) -> None:
    settings.QUEUE_LIMIT = 1
    generation_submit(owner=guest, text="first", client_id="a")
    kept: Any = redis_client().keys("eugpt:gen:*")
    for client_id in ("a", "b"):
        with suppress(QueueFull):
            generation_submit(owner=guest, text="first", client_id=client_id)
    assert redis_client().keys("eugpt:gen:*") == kept


def test_submit_rate_limit(guest: Owner, sent: list[str], settings: Settings) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"guest_prompt": "2 per minute"}
    for _ in range(2):
        generation_submit(owner=guest, text="hi")
    with pytest.raises(RateLimited) as caught:
        generation_submit(owner=guest, text="hi")
    assert 1 <= caught.value.data["retry_after"] <= 60


BAD: list[tuple[dict[str, Any], type[ApiError]]] = [
    ({"text": ""}, Invalid),
    ({"text": " \n "}, Invalid),
    ({"text": None}, Invalid),
    ({"text": "x" * 4001}, Invalid),
    ({"text": "\x00 \x00"}, Invalid),
    ({"text": "\ud800"}, Invalid),
    ({"params": {"seed": 10**400}}, BadParams),
    ({"params": {"temperature": float("nan")}}, BadParams),
    ({"params": {"stop": ["\x00"]}}, BadParams),
    ({"params": {"stop": ["\ud800"]}}, BadParams),
    ({"client_id": "\x00"}, Invalid),
    ({"history_input": [{"role": "user", "content": "\ud800"}] * 2}, Invalid),
    ({"text": "a b " * 400}, PromptTooLong),
    ({"params": {"temperature": 3}}, BadParams),
    ({"params": {"unknown": 3}}, BadParams),
    ({"params": {"logit_bias": {"400": 1}}}, BadParams),
    ({"params": []}, Invalid),
    ({"client_id": ""}, Invalid),
    ({"client_id": "x" * 65}, Invalid),
    ({"history_input": "x"}, Invalid),
    ({"history_input": [{"role": "user", "content": "a"}]}, Invalid),
    ({"history_input": [{"role": "assistant", "content": "a"}] * 2}, Invalid),
    ({"history_input": [{"role": "system", "content": "a"}] * 2}, Invalid),
    ({"history_input": [{"role": "user", "content": 5}] * 2}, Invalid),
    ({"history_input": [{"role": "user", "content": "a"}] * 41}, Invalid),
    ({"history_input": [{"role": "user", "content": "a", "x": 1}] * 2}, Invalid),
]


@pytest.mark.parametrize(("changed", "error"), BAD)
def test_submit_bad_input_leaves_nothing(
    guest: Owner, sent: list[str], changed: dict[str, Any], error: type[ApiError]
) -> None:
    arguments: dict[str, Any] = {"text": "hello", "client_id": "c"} | changed
    with pytest.raises(error):
        generation_submit(owner=guest, **arguments)
    assert not Generation.objects.exists()
    assert not sent


def test_submit_to_somebody_elses_conversation(member: Owner, sent: list[str]) -> None:
    theirs = conversation_make(user_make("ben"))
    with pytest.raises(NotFound):
        generation_submit(owner=member, text="hi", conversation_id=theirs.pk)
    assert not Message.objects.exists()


def test_submit_without_a_checkpoint(member: Owner) -> None:
    from inference.models import Checkpoint

    Checkpoint.objects.all().delete()
    with pytest.raises(ModelUnavailable):
        generation_submit(owner=member, text="hi")


def test_make_title_cuts_between_words() -> None:
    assert make_title("hi  there\nyou") == "hi there you"
    long = make_title("a long first message, " * 10)
    assert long.endswith("…")
    assert len(long) <= 61
