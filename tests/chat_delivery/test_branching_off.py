"""Another token in the middle of a reply: the same beginning, that token, then what follows."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from accounts.store import redis_client
from chat.delivery import streams
from chat.errors import GenerationRunning, Invalid, NotFound, NoTrace, PromptTooLong
from chat.generation.cancel import generation_cancel
from chat.generation.lifecycle import generation_claim, generation_requeue
from chat.generation.recovery import generation_fail
from chat.generation.submit import Owner, generation_branch, generation_submit
from chat.generation.traces import Row, trace_rows, trace_unpack, trace_write
from chat.generation.worker import Worker
from chat.models import Conversation, Generation, Message
from tests.accounts.clients import user_make
from tests.chat_delivery.test_traces import (
    TOKENS,
    ask,
    check,
    finished,
    member,
    worker,
)

__all__ = ["member", "worker"]  # fixtures

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sent")]

AT = 7


@pytest.fixture
def reply(worker: Worker, member: Owner) -> Message:
    message = ask(worker, member).message
    assert message is not None
    return message


def rows_of(message: Message) -> list[Row]:
    return trace_rows(message.generation)


def other_token(message: Message, at: int = AT) -> Row:
    """An alternative that was not chosen there, and that a reply may hold."""
    chosen, top = rows_of(message)[at][0], rows_of(message)[at][3]
    return next(r for r in top if r[0] != chosen and not r[1].startswith(("<|", "\ufffd")))


def branch(owner: Owner, message: Message, at: int = AT, **more: Any) -> Any:
    token = more.pop("token", None)
    token = other_token(message, at)[0] if token is None else token
    return generation_branch(owner=owner, message_id=message.pk, at=at, token=token, **more)


def new_tokens(generation: Generation) -> int:
    """As many as were asked for; fewer where it ended by itself once it was long enough."""
    assert 0 < generation.completion_tokens <= TOKENS
    return generation.completion_tokens


def test_the_beginning_is_the_old_ones_and_the_token_the_chosen_one(
    worker: Worker, member: Owner, reply: Message
) -> None:
    wanted = other_token(reply)
    generation = finished(worker, branch(member, reply).generation_id)
    assert generation.message is not None
    assert generation.message.parent_id == reply.parent_id
    assert Conversation.objects.get().head == generation.message
    trace = check(generation, AT + 1 + new_tokens(generation))
    old = trace_unpack(rows_of(reply))
    assert trace[:AT] == old[:AT]
    assert (trace[AT]["id"], trace[AT]["logprob"]) == (wanted[0], wanted[2])
    assert trace[AT]["top"] == old[AT]["top"]
    assert generation.params["seed"] != reply.generation.params["seed"]
    assert {**generation.params, "seed": 0} == {**reply.generation.params, "seed": 0}
    reply.refresh_from_db()
    assert reply.content == worker.serving.format.reply_text([t["id"] for t in old])


def test_the_chosen_token_and_the_seed_give_the_old_reply(
    worker: Worker, member: Owner, reply: Message
) -> None:
    rows = rows_of(reply)
    params = {**reply.generation.params, "max_tokens": TOKENS - AT - 1, "min_tokens": 1}
    submitted = branch(member, reply, token=rows[AT][0], params=params)
    assert trace_rows(finished(worker, submitted.generation_id)) == rows


@pytest.mark.parametrize("is_cut", [False, True])
def test_the_next_worker_begins_alike(
    worker: Worker, member: Owner, reply: Message, is_cut: bool
) -> None:
    """Whether the first one died before its first words or among them."""
    first = finished(worker, branch(member, reply, params=reply.generation.params).generation_id)
    again = branch(member, reply, params=reply.generation.params)
    claimed = generation_claim(worker_id="dies")
    assert claimed is not None
    streams.take_over(str(claimed.pk), 1)
    if is_cut:
        started, begun, words, *_ = streams.read_written(str(first.pk)).entries
        for entry in (started, begun, words):
            ids = [int(i) for i in entry.ids.split(",") if i and entry.type == "token"]
            streams.append(str(claimed.pk), 1, entry.type, {**json.loads(entry.body), "ids": ids})
    assert generation_requeue(generation=claimed)
    second = finished(worker, again.generation_id)
    assert trace_rows(second) == trace_rows(first)
    check(second, AT + 1 + TOKENS)
    assert second.completion_tokens == TOKENS


def test_text_that_is_lost_begins_alike(worker: Worker, member: Owner, reply: Message) -> None:
    submitted = branch(member, reply)
    claimed = generation_claim(worker_id="dies")
    assert claimed is not None
    name = str(claimed.pk)
    streams.take_over(name, 1)
    streams.append(name, 1, "started", {"model": "tiny", "context_trimmed": 0, "seed": 1})
    streams.append(name, 1, "token", {"seq": 0, "text": "lost", "ids": [1, 2]})
    redis_client().hset(streams.control_key(name), "run", "an earlier life of the server")
    assert generation_requeue(generation=claimed)
    generation = finished(worker, submitted.generation_id)
    check(generation, AT + 1 + new_tokens(generation))


def test_a_branch_is_replayed_by_the_branch_at_its_last_begun_token(
    worker: Worker, member: Owner, reply: Message, api: APIClient
) -> None:
    """Which is what its JSON tells: the same beginning, seed and params, hence the same words."""
    first = finished(worker, branch(member, reply).generation_id)
    assert first.message is not None
    body = api.get(f"/api/conversations/{first.conversation_id}").json()
    brief = body["messages"][-1]["generation"]
    at = brief["begun_tokens"] - 1
    assert at == AT
    token = trace_rows(first)[at][0]
    again = branch(member, first.message, at, token=token, params=brief["params"])
    second = finished(worker, again.generation_id)
    assert trace_rows(second) == trace_rows(first)


def test_branches_of_branches(worker: Worker, member: Owner, reply: Message) -> None:
    first = finished(worker, branch(member, reply).generation_id)
    assert first.message is not None
    at = AT + 10
    token = trace_rows(first)[at][0]
    second = finished(worker, branch(member, first.message, at, token=token).generation_id)
    rows = trace_rows(second)
    assert rows[:at] == trace_rows(first)[:at]
    check(second, at + 1 + new_tokens(second))


def test_a_part_of_a_character_may_be_the_beginning(
    worker: Worker, member: Owner, reply: Message
) -> None:
    """There is nothing to show yet: it comes with the first words, and nothing is lost."""
    part = worker.serving.format.tokenizer.encode("\U0001f642")[0]
    rows = rows_of(reply)
    row = [part, "\ufffd", -1.0]
    trace_write(generation=reply.generation, rows=[[*rows[0][:3], [row] * 3], *rows[1:]])
    generation = finished(worker, branch(member, reply, 0, token=part).generation_id)
    trace = check(generation, 1 + new_tokens(generation))
    assert trace[0]["id"] == part


def with_alternative(message: Message, token: int, at: int = AT) -> None:
    rows = rows_of(message)
    rows[at] = [*rows[at][:3], [[token, "x", -1.0]]]
    trace_write(generation=message.generation, rows=rows)


def test_the_end_as_token_ends_it_there(
    worker: Worker, member: Owner, reply: Message, api: APIClient
) -> None:
    tokenizer = worker.serving.format.tokenizer
    with_alternative(reply, tokenizer.end_id)
    submitted = branch(member, reply, token=tokenizer.end_id)
    assert submitted.place is None
    generation = Generation.objects.get(pk=submitted.generation_id)
    assert (generation.status, generation.finish_reason) == ("completed", "stop")
    assert generation.message is not None
    rows = rows_of(reply)[:AT]
    assert trace_rows(generation) == rows
    assert generation.message.content == tokenizer.decode([row[0] for row in rows])
    assert generation_claim(worker_id="w") is None
    body = api.get(f"/api/conversations/{generation.conversation_id}").json()
    assert body["messages"][-1]["generation"]["has_trace"]


def test_what_needs_no_worker_waits_for_none(
    worker: Worker, member: Owner, reply: Message, settings: Settings
) -> None:
    """It is taken while the queue is full, and says nothing about how long replies take."""
    tokenizer = worker.serving.format.tokenizer
    with_alternative(reply, tokenizer.end_id)
    settings.QUEUE_LIMIT = 0
    for _ in range(12):
        branch(member, reply, token=tokenizer.end_id)
    settings.QUEUE_LIMIT, settings.SLOTS = 20, 1
    assert reply.generation.finished_at is not None
    hour = timedelta(hours=1)
    Generation.objects.filter(message=reply).update(
        started_at=F("finished_at") - hour, queued_at=F("finished_at") - hour
    )
    for _ in range(5):
        place = generation_submit(owner=member, text="x").place
    assert place is not None
    assert place.eta_s > 100


def test_tokens_of_another_model_are_no_beginning(
    worker: Worker, member: Owner, reply: Message
) -> None:
    """Another checkpoint became active between the request and its turn."""
    submitted = branch(member, reply)
    Generation.objects.filter(pk=submitted.generation_id).update(model="another one")
    generation = finished(worker, submitted.generation_id)
    assert (generation.status, generation.error_code) == ("failed", "model_unavailable")
    assert not generation.has_trace


def test_what_no_reply_may_hold_is_refused(worker: Worker, member: Owner, reply: Message) -> None:
    tokenizer = worker.serving.format.tokenizer
    for token in (tokenizer.user_id, *tokenizer.encode("\x00")):
        with_alternative(reply, token)
        with pytest.raises(Invalid, match="never written"):
            branch(member, reply, token=token)
    with_alternative(reply, tokenizer.end_id, at=0)
    with pytest.raises(Invalid, match="empty"):
        branch(member, reply, 0, token=tokenizer.end_id)
    assert Message.objects.count() == 2


@pytest.fixture
def api(member: Owner) -> APIClient:
    client = APIClient()
    client.force_authenticate(member.user)
    return client


def test_what_is_not_there_is_refused(worker: Worker, member: Owner, reply: Message) -> None:
    known = {row[0] for row in (rows_of(reply)[AT], *rows_of(reply)[AT][3])}
    unknown = next(i for i in range(len(known) + 1) if i not in known)
    with pytest.raises(Invalid) as caught:
        branch(member, reply, token=unknown)
    assert set(caught.value.data["fields"]) == {"token"}
    for at in (-1, TOKENS):
        with pytest.raises(Invalid) as caught:
            generation_branch(owner=member, message_id=reply.pk, at=at, token=1)
        assert set(caught.value.data["fields"]) == {"at"}
    with pytest.raises(PromptTooLong):
        branch_of_long(worker, member)
    assert not Generation.objects.filter(status="queued").exists()


def branch_of_long(worker: Worker, member: Owner) -> None:
    """Its beginning and its prompt leave no room."""
    long = ask(worker, member, "a b " * 20, max_tokens=300, min_tokens=300)
    assert long.message is not None
    rows = trace_rows(long)
    trace_write(generation=long, rows=rows * 2)
    branch(member, long.message, 2 * len(rows) - 1, token=rows[-1][0])


def test_without_a_trace_there_is_nothing_to_branch_off(
    worker: Worker, member: Owner, reply: Message
) -> None:
    rows = Generation.objects.filter(pk=reply.generation.pk)
    rows.update(model="an older one")
    with pytest.raises(NoTrace, match="Another model"):
        branch(member, reply)
    rows.update(model="tiny", has_trace=False)
    with pytest.raises(NoTrace):
        branch(member, reply)
    assert reply.parent is not None
    with pytest.raises(NoTrace):
        branch(member, reply.parent, token=1)


def test_it_waits_for_the_running_reply(worker: Worker, member: Owner, reply: Message) -> None:
    running = generation_submit(owner=member, text="x", conversation_id=reply.conversation_id)
    with pytest.raises(GenerationRunning):
        branch(member, reply)
    assert running.assistant_message_id is not None
    message = Message.objects.get(pk=running.assistant_message_id)
    with pytest.raises(GenerationRunning):
        branch(member, message, token=1)


def test_it_is_nobody_elses(worker: Worker, member: Owner, reply: Message) -> None:
    for owner in (Owner.guest("192.0.2.9"), Owner.member(user_make("ben"))):
        with pytest.raises(NotFound):
            branch(owner, reply)


def test_repeated_client_id_gives_the_first(worker: Worker, member: Owner, reply: Message) -> None:
    first = branch(member, reply, client_id="c")
    assert branch(member, reply, client_id="c").generation_id == first.generation_id


def test_cancelled_while_it_waits_it_has_no_trace(
    worker: Worker, member: Owner, reply: Message, api: APIClient
) -> None:
    submitted = branch(member, reply)
    waiting = Generation.objects.get(pk=submitted.generation_id)
    generation_cancel(generation=waiting)
    answer = api.get(f"/api/messages/{submitted.assistant_message_id}/trace")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_without_logprobs_no_trace_is_left(worker: Worker, member: Owner, reply: Message) -> None:
    params = {"max_tokens": 4, "min_tokens": 4}
    generation = finished(worker, branch(member, reply, params=params).generation_id)
    assert (generation.has_trace, generation.completion_tokens) == (False, 4)
    assert not any("logprobs" in e.body for e in streams.read_written(str(generation.pk)).entries)


def test_bad_input_over_rest(api: APIClient, reply: Message) -> None:
    for body in ({}, {"at": 1}, {"at": -1, "token": 1}, {"at": "1", "token": 1}, {"at": 1.5}):
        answer = api.post(f"/api/messages/{reply.pk}/branch", body, format="json")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_a_failed_branch_counts_its_own_tokens(
    worker: Worker, member: Owner, reply: Message
) -> None:
    submitted = branch(member, reply)
    claimed = generation_claim(worker_id="gone")
    assert claimed is not None
    assert generation_fail(generation=claimed, code="worker_lost")
    generation = Generation.objects.get(pk=submitted.generation_id)
    assert (generation.completion_tokens, generation.has_trace) == (0, False)
