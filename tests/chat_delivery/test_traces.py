"""What the model thought is kept with the reply, wherever it ended, and found by its owner."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from chat.api.serializers import GenerationBrief
from chat.delivery import streams
from chat.generation.cancel import generation_cancel
from chat.generation.lifecycle import generation_claim, generation_requeue
from chat.generation.recovery import generation_fail
from chat.generation.run import generation_run
from chat.generation.submit import (
    Owner,
    generation_continue,
    generation_regenerate,
    generation_submit,
)
from chat.generation.traces import trace_pack, trace_rows, trace_unpack
from chat.generation.worker import Worker
from chat.models import Conversation, Generation, Message, Trace
from inference.public import StepOutput
from tests.accounts.clients import user_make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sent")]

TOKENS = 24
PARAMS: dict[str, Any] = {"max_tokens": TOKENS, "min_tokens": TOKENS, "seed": 5, "logprobs": 3}


@pytest.fixture
def worker(tiny_folder: Path, settings: Settings) -> Iterator[Worker]:
    settings.SLOTS = 4
    settings.LIMITS_ENABLED = False
    call_command("load_checkpoint", str(tiny_folder))
    made = Worker()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def member() -> Owner:
    return Owner.member(user_make())


def at_token(worker: Worker, count: int, action: Callable[[], None]) -> None:
    """Do something on the engine's thread when so many tokens have come."""
    put, seen = worker.publisher.put, 0

    def counting(outputs: list[StepOutput]) -> None:
        nonlocal seen
        put(outputs)
        before, seen = seen, seen + sum(len(output.token_ids) for output in outputs)
        if before < count <= seen:
            thread = threading.Thread(target=_alone, args=(action,))
            thread.start()
            thread.join(30)

    worker.publisher.put = counting  # type: ignore[method-assign]
    worker.serving.thread._on_outputs = counting


def _alone(action: Callable[[], None]) -> None:
    try:
        action()
    finally:
        connection.close()


def ask(worker: Worker, owner: Owner, text: str = "hello", **params: Any) -> Generation:
    submitted = generation_submit(owner=owner, text=text, params={**PARAMS, **params})
    return finished(worker, submitted.generation_id)


def finished(worker: Worker, generation_id: uuid.UUID) -> Generation:
    assert generation_run(worker=worker)
    return Generation.objects.get(pk=generation_id)


def check(generation: Generation, tokens: int) -> list[dict[str, Any]]:
    """The trace is that of the stored text and of the stream, token by token."""
    assert generation.has_trace
    trace = trace_unpack(trace_rows(generation))
    written = streams.read_written(str(generation.pk))
    assert [token["id"] for token in trace] == written.token_ids[: len(trace)]
    assert trace == written.logprobs
    assert len(trace) == tokens
    assert generation.message is not None
    assert generation.message.content == written.text
    for token in trace:
        assert len(token["top"]) == generation.params["logprobs"]
        assert token["logprob"] <= token["top"][0]["logprob"]
    return trace


def test_a_members_reply_keeps_its_trace(worker: Worker, member: Owner) -> None:
    generation = ask(worker, member)
    trace = check(generation, TOKENS)
    ids = [token["id"] for token in trace]
    assert worker.serving.format.tokenizer.decode(ids) == generation.message.content  # type: ignore[union-attr]


def test_nothing_is_kept_of_guests_or_unasked(worker: Worker, member: Owner) -> None:
    assert not ask(worker, Owner.guest("192.0.2.1")).has_trace
    assert not ask(worker, member, logprobs=0).has_trace
    assert not Trace.objects.exists()


def test_tokens_of_a_stop_string_are_not_in_it(worker: Worker, member: Owner) -> None:
    whole = ask(worker, member)
    assert whole.message is not None
    text = whole.message.content
    stop = text[6:9]
    generation = ask(worker, member, "hello", stop=[stop])
    assert generation.message is not None
    cut = generation.message.content
    assert cut == text[: text.index(stop)]
    told = sum(len(token["text"]) for token in trace_unpack(trace_rows(generation))[:-1])
    assert told < len(cut)
    assert generation.has_trace


def test_a_cancelled_reply_keeps_what_there_is(worker: Worker, member: Owner) -> None:
    submitted = generation_submit(
        owner=member, text="hello", params={**PARAMS, "max_tokens": 200, "min_tokens": 200}
    )
    waiting = Generation.objects.get(pk=submitted.generation_id)
    at_token(worker, 10, lambda: generation_cancel(generation=waiting))
    generation = finished(worker, submitted.generation_id)
    assert generation.status == "cancelled"
    assert 10 <= generation.completion_tokens < 200
    check(generation, generation.completion_tokens)


def half_written(owner: Owner, whole: Generation) -> Generation:
    """Another reply of the same params and seed, whose worker dies after the first few entries."""
    submitted = generation_submit(owner=owner, text="hello", params=whole.params)
    claimed = generation_claim(worker_id="dies")
    assert claimed is not None
    streams.take_over(str(claimed.pk), 1)
    written = 0
    for entry in streams.read_written(str(whole.pk)).entries:
        ids = [int(i) for i in entry.ids.split(",") if i and entry.type == "token"]
        if written + len(ids) > TOKENS // 2 or entry.type == "done":
            break
        streams.append(str(claimed.pk), 1, entry.type, {**json.loads(entry.body), "ids": ids})
        written += len(ids)
    assert written > 0
    return Generation.objects.get(pk=submitted.generation_id)


def test_the_next_worker_keeps_the_same_trace(worker: Worker, member: Owner) -> None:
    whole = ask(worker, member)
    half = half_written(member, whole)
    assert generation_requeue(generation=half)
    assert check(finished(worker, half.pk), TOKENS) == trace_unpack(trace_rows(whole))


def test_a_failed_reply_keeps_what_there_is(worker: Worker, member: Owner) -> None:
    whole = ask(worker, member)
    half = half_written(member, whole)
    assert generation_fail(generation=half, code="worker_lost")
    half.refresh_from_db()
    trace = check(half, half.completion_tokens)
    assert trace == trace_unpack(trace_rows(whole))[: len(trace)]


def test_the_same_params_and_seed_give_the_same_reply(worker: Worker, member: Owner) -> None:
    """Replay, batched with other requests that came before and come meanwhile."""
    first = ask(worker, member, seed=None, temperature=1.2, min_tokens=3)
    assert first.message is not None
    assert first.params["seed"] is not None
    others = [generation_submit(owner=Owner.guest(f"192.0.2.{n}"), text=f"{n}") for n in range(3)]
    again = generation_regenerate(
        owner=member, message_id=first.message.pk, params=first.params
    ).generation_id
    runs = [
        threading.Thread(target=_alone, args=(lambda: generation_run(worker=worker),))
        for _ in range(len(others) + 1)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join(60)
    second = Generation.objects.get(pk=again)
    assert second.params == first.params
    assert second.message is not None
    assert second.message.content == first.message.content
    assert trace_rows(second) == trace_rows(first)
    started = streams.read_written(str(again)).entries[0]
    assert json.loads(started.body)["seed"] == first.params["seed"]


def test_what_goes_on_with_a_traced_reply_is_traced_whole(worker: Worker, member: Owner) -> None:
    first = ask(worker, member)
    assert first.message is not None
    more = generation_continue(owner=member, message_id=first.message.pk)
    second = finished(worker, more.generation_id)
    assert second.completion_tokens == TOKENS
    assert GenerationBrief(second).data["begun_tokens"] == TOKENS
    trace = check(second, 2 * TOKENS)
    assert trace[:TOKENS] == trace_unpack(trace_rows(first))


def test_what_goes_on_with_a_bare_text_has_no_trace(worker: Worker, member: Owner) -> None:
    first = ask(worker, member, logprobs=0)
    assert first.message is not None
    more = generation_continue(owner=member, message_id=first.message.pk, params=PARAMS)
    second = finished(worker, more.generation_id)
    assert not second.has_trace
    assert GenerationBrief(second).data["begun_tokens"] is None


class TestReading:
    """Over REST."""

    @pytest.fixture
    def reply(self, worker: Worker, member: Owner) -> Message:
        message = ask(worker, member).message
        assert message is not None
        return message

    @pytest.fixture
    def api(self, member: Owner) -> APIClient:
        client = APIClient()
        client.force_authenticate(member.user)
        return client

    def test_trace_of_a_message(self, api: APIClient, reply: Message) -> None:
        tokens = api.get(f"/api/messages/{reply.pk}/trace").json()["tokens"]
        assert tokens == trace_unpack(trace_rows(reply.generation))
        assert set(tokens[0]) == {"id", "text", "logprob", "top"}

    def test_nobody_elses_and_no_prompts(self, api: APIClient, reply: Message) -> None:
        assert api.get(f"/api/messages/{reply.parent_id}/trace").status_code == 404
        api.force_authenticate(user_make("ben"))
        answer = api.get(f"/api/messages/{reply.pk}/trace")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert APIClient().get(f"/api/messages/{reply.pk}/trace").status_code == 401

    def test_lists_tell_of_it_without_reading_it(self, api: APIClient, reply: Message) -> None:
        for path in ("", "?limit=10"):
            with CaptureQueriesContext(connection) as captured:
                body = api.get(f"/api/conversations/{reply.conversation_id}{path}").json()
            assert "chat_trace" not in str(captured.captured_queries)
            brief = body["messages"][-1]["generation"]
            assert (brief["has_trace"], brief["params"]["seed"]) == (True, 5)
            assert (brief["model"], brief["completion_tokens"]) == ("tiny", TOKENS)
            assert brief["prompt_tokens"] > 0
            assert brief["timings"]["total_s"] >= brief["timings"]["ttft_s"] > 0

    def test_it_goes_with_its_conversation(self, api: APIClient, reply: Message) -> None:
        assert Trace.objects.exists()
        api.delete(f"/api/conversations/{reply.conversation_id}")
        assert not Conversation.objects.exists()
        assert not Trace.objects.exists()


def test_packed_and_unpacked_is_the_same() -> None:
    top = [{"id": 1, "text": "a", "logprob": -0.5}, {"id": 2, "text": "b", "logprob": -1.0}]
    tokens = [{"id": 1, "text": "a", "logprob": -0.5, "top": top}]
    assert trace_pack(tokens) == [[1, "a", -0.5, [[1, "a", -0.5], [2, "b", -1.0]]]]
    assert trace_unpack(trace_pack(tokens)) == tokens
