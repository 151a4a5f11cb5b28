"""A guest's chat becomes a conversation: once, whole, and whatever its last reply is doing."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import transaction
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from accounts.models import User
from accounts.store import redis_client
from chat.delivery import streams
from chat.errors import TooManyReplies
from chat.generation.lifecycle import Outcome, generation_finish, generation_snapshot
from chat.generation.recovery import generation_fail
from chat.generation.submit import Owner, generation_submit
from chat.models import Conversation, FinishReason, Generation, Message, Status
from chat.services.keep import conversation_keep
from inference.public import Turn
from tests.accounts.clients import client_for, error_of, user_make
from tests.chat_delivery.generations import claim, submit
from tests.support.races import in_thread, wait_for_lock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tiny")]

KEEP = "/api/conversations/keep"
ASKED = [{"role": "user", "content": "hi"}]
ANSWERED = [*ASKED, {"role": "assistant", "content": "hello"}]
DONE = Outcome(Status.COMPLETED, FinishReason.STOP, text="hello there", completion_tokens=2)


@pytest.fixture
def api(user: User) -> APIClient:
    return client_for(user)


@pytest.fixture
def guests(guest: Owner, sent: list[str]) -> Generation:
    """A guest's reply that waits."""
    return submit(guest)


def keep(api: APIClient, turns: Any, **more: Any) -> Any:
    return api.post(KEEP, {"turns": turns, **more})


def texts(conversation_id: int) -> list[tuple[str, str]]:
    rows = Message.objects.filter(conversation=conversation_id).order_by("id")
    return list(rows.values_list("role", "content"))


def write(generation: Generation, *words: str) -> None:
    """Words in the stream of a claimed reply."""
    key = str(generation.pk)
    streams.append(key, generation.attempt, "started", {"model": "m", "context_trimmed": 0})
    for seq, text in enumerate(words):
        data = {"seq": seq, "text": text, "ids": [seq]}
        streams.append(key, generation.attempt, "token", data)


def test_keep_writes_a_line_of_messages(api: APIClient, user: User) -> None:
    turns = [
        *ANSWERED,
        {"role": "user", "content": "and now?"},
        {"role": "assistant", "content": ""},
    ]
    response = keep(api, turns)
    body = response.json()
    assert response.status_code == 201
    assert body["title"] == "hi"
    assert [(m["role"], m["content"]) for m in body["messages"]] == [
        (turn["role"], turn["content"]) for turn in turns
    ]
    ids = [m["id"] for m in body["messages"]]
    assert [m["parent"] for m in body["messages"]] == [None, *ids[:-1]]
    assert body["head"] == ids[-1]
    assert Conversation.objects.get().user == user
    assert api.get(f"/api/conversations/{body['id']}").json() == body


def test_keep_takes_200_of_the_longest_turns_and_no_more(api: APIClient) -> None:
    turns = [{"role": t["role"], "content": "ü" * 4000} for t in ANSWERED] * 100
    assert keep(api, turns).status_code == 201
    assert Message.objects.count() == 200
    assert error_of(keep(api, [*turns, *ANSWERED])) == (400, "invalid")
    assert Conversation.objects.count() == 1


@pytest.mark.parametrize(
    "turns",
    [
        None,
        [],
        "hi",
        ASKED,
        ANSWERED[1:],
        [*ASKED, *ASKED],
        [*ANSWERED, *ANSWERED[1:]],
        [{"role": "user", "content": " "}, ANSWERED[1]],
        [{"role": "user", "content": "x" * 4001}, ANSWERED[1]],
        [{"role": "system", "content": "x"}, ANSWERED[1]],
        [{"role": "user", "content": 5}, ANSWERED[1]],
        [{"role": "user", "content": "hi", "id": 1}, ANSWERED[1]],
    ],
)
def test_keep_refuses_what_is_no_chat(api: APIClient, turns: Any) -> None:
    response = keep(api, turns)
    assert error_of(response) == (400, "invalid")
    assert set(response.json()["fields"]) == {"turns"}
    assert not Conversation.objects.exists()


def test_keep_is_closed_to_guests_and_limited(api: APIClient, settings: Settings) -> None:
    assert error_of(keep(APIClient(), ANSWERED)) == (401, "not_authenticated")
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "keep": "1 per hour"}
    assert [keep(api, ANSWERED).status_code for _ in range(2)] == [201, 429]


def test_keep_with_the_same_client_id_is_the_first(api: APIClient, user: User) -> None:
    first = keep(api, ANSWERED, client_id="k")
    again = keep(api, [*ANSWERED, *ANSWERED], client_id="k")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    other = keep(client_for(user_make("ben")), ANSWERED, client_id="k")
    assert other.status_code == 201
    assert error_of(keep(api, ANSWERED, client_id="ü")) == (400, "invalid")


def test_keep_attaches_a_waiting_reply(api: APIClient, user: User, guests: Generation) -> None:
    body = keep(api, ASKED, generation=str(guests.pk)).json()
    guests.refresh_from_db()
    assert guests.message is not None
    assert (guests.user, guests.owner_key, guests.status) == (user, f"u:{user.pk}", "queued")
    assert (guests.conversation_id, guests.message.pk) == (body["id"], body["head"])
    assert body["messages"][1]["content"] == ""
    assert body["messages"][1]["generation"]["id"] == str(guests.pk)
    # Nobody else reads it now, and no second reply begins beside it.
    assert error_of(APIClient().get(f"/api/generations/{guests.pk}")) == (404, "not_found")
    more = api.post("/api/chat", {"message": "more", "conversation_id": body["id"]})
    assert error_of(more) == (409, "generation_running")


def test_keep_of_the_same_reply_is_the_same_conversation(
    api: APIClient, guests: Generation
) -> None:
    first = keep(api, ASKED, generation=str(guests.pk))
    again = keep(api, ASKED, generation=str(guests.pk))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert Conversation.objects.count() == 1
    thief = keep(client_for(user_make("ben")), ASKED, generation=str(guests.pk))
    assert error_of(thief) == (404, "not_found")
    unknown = keep(api, ASKED, generation=str(uuid.uuid4()))
    assert error_of(unknown) == (404, "not_found")
    assert Conversation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_keep_of_the_same_reply_twice_at_once(user: User, guests: Generation) -> None:
    wish: dict[str, Any] = {
        "user": user, "turns": [Turn("user", "hi")], "generation_id": guests.pk
    }  # fmt: skip
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first, _ = conversation_keep(**wish)
            again = in_thread(pool, lambda: conversation_keep(**wish))
            wait_for_lock()
        assert again.result(timeout=30) == (first, False)
    assert Conversation.objects.count() == 1


def test_keep_of_a_running_reply_ends_with_the_prompt(api: APIClient, guests: Generation) -> None:
    assert error_of(keep(api, ANSWERED, generation=str(guests.pk))) == (400, "invalid")
    assert error_of(keep(api, ASKED, generation="x")) == (400, "invalid")
    guests.refresh_from_db()
    assert guests.message is None
    assert not Conversation.objects.exists()


def test_a_worker_with_an_old_copy_stores_its_words(user: User, guests: Generation) -> None:
    old = claim(guests)
    kept, _ = conversation_keep(user=user, turns=[Turn("user", "hi")], generation_id=guests.pk)
    assert old.message_id is None
    generation_snapshot(generation=old, text="hello")
    assert texts(kept.pk)[-1] == ("assistant", "hello")
    assert generation_finish(generation=old, outcome=DONE)
    assert texts(kept.pk)[-1] == ("assistant", "hello there")
    # It says whom to tell.
    assert (old.user_id, old.conversation_id) == (user.pk, kept.pk)
    row = Generation.objects.get()
    assert (row.status, row.completion_tokens) == ("completed", 2)


def test_a_worker_that_lost_its_claim_stores_nothing(user: User, guests: Generation) -> None:
    old = claim(guests)
    kept, _ = conversation_keep(user=user, turns=[Turn("user", "hi")], generation_id=guests.pk)
    Generation.objects.update(attempt=2)
    generation_snapshot(generation=old, text="hello")
    assert not generation_finish(generation=old, outcome=DONE)
    assert texts(kept.pk)[-1] == ("assistant", "")


def test_an_unkept_guests_words_stay_out_of_the_database(guests: Generation) -> None:
    old = claim(guests)
    generation_snapshot(generation=old, text="hello")
    assert generation_finish(generation=old, outcome=DONE)
    assert not Message.objects.exists()


def test_a_kept_reply_that_loses_its_workers_keeps_its_words(
    user: User, guests: Generation
) -> None:
    old = claim(guests)
    write(old, "hel", "lo")
    kept, _ = conversation_keep(user=user, turns=[Turn("user", "hi")], generation_id=guests.pk)
    assert generation_fail(generation=old, code="worker_lost")
    assert texts(kept.pk)[-1] == ("assistant", "hello")


def test_words_that_only_the_database_has_outlive_the_workers(
    user: User, guests: Generation
) -> None:
    """The worker that gives up has a copy from before the chat was kept, and Redis is empty."""
    old = claim(guests)
    kept, _ = conversation_keep(user=user, turns=[Turn("user", "hi")], generation_id=guests.pk)
    generation_snapshot(generation=old, text="hello")
    redis_client().flushdb()
    assert generation_fail(generation=old, code="worker_lost")
    assert texts(kept.pk)[-1] == ("assistant", "hello")


def test_a_reply_whose_conversation_has_gone_cannot_fail(user: User, guests: Generation) -> None:
    conversation_keep(user=user, turns=[Turn("user", "hi")], generation_id=guests.pk)
    old = claim(guests)
    Conversation.objects.all().delete()
    assert not generation_fail(generation=old, code="worker_lost")


@pytest.mark.parametrize("is_ended", [True, False])
@pytest.mark.parametrize("turns", [ASKED, ANSWERED])
def test_keep_takes_an_ended_reply_from_its_stream(
    api: APIClient, guests: Generation, turns: Any, is_ended: bool
) -> None:
    """Between the stored end and the end entry, too, all words are in the stream."""
    held = claim(guests)
    write(held, "hello ", "there")
    generation_finish(generation=held, outcome=DONE)
    if is_ended:
        streams.append(str(held.pk), held.attempt, "done", {"text": "hello there"})
    body = keep(api, turns, generation=str(guests.pk)).json()
    assert body["messages"][1]["content"] == "hello there"
    assert body["messages"][1]["generation"]["status"] == "completed"


@pytest.mark.parametrize(("turns", "text"), [(ASKED, ""), (ANSWERED, "hello")])
def test_keep_takes_the_clients_words_where_the_stream_is_gone(
    api: APIClient, guests: Generation, turns: Any, text: str
) -> None:
    held = claim(guests)
    generation_finish(generation=held, outcome=DONE)
    redis_client().flushdb()
    body = keep(api, turns, generation=str(guests.pk)).json()
    assert body["messages"][1]["content"] == text


def test_keep_of_a_running_reply_counts_as_the_members(
    user: User, member: Owner, guests: Generation, settings: Settings
) -> None:
    settings.QUEUE_LIMIT_MEMBER = 1
    generation_submit(owner=member, text="mine")
    with pytest.raises(TooManyReplies):
        conversation_keep(user=user, turns=[Turn("user", "hi")], generation_id=guests.pk)
    assert Conversation.objects.count() == 1
    guests.refresh_from_db()
    assert guests.owner_key.startswith("g:")


def test_keep_of_a_members_temporary_chat(
    api: APIClient, member: Owner, sent: list[str], settings: Settings
) -> None:
    settings.QUEUE_LIMIT_MEMBER = 1
    reply = generation_submit(owner=member, text="hi", is_temporary=True)
    body = keep(api, ASKED, generation=str(reply.generation_id)).json()
    assert Generation.objects.get().conversation_id == body["id"]
