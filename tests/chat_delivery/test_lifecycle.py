"""Claims, fencing, the reaper and cancel, on the real database and Valkey, without a worker."""

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.store import redis_client
from chat.delivery import streams
from chat.delivery.streams import Addition, Append, NewEntry
from chat.generation import recovery
from chat.generation.cancel import generation_cancel
from chat.generation.history import without_unanswered
from chat.generation.lifecycle import (
    MAX_ATTEMPTS,
    Outcome,
    generation_claim,
    generation_finish,
    generation_requeue,
    generation_snapshot,
)
from chat.generation.reaper import generations_reap
from chat.generation.submit import Owner, generation_submit
from chat.generation.worker import WORKER_KEY_PREFIX, WORKERS_KEY
from chat.models import FinishReason, Generation, Status
from inference.public import Turn

DONE = Outcome(Status.COMPLETED, FinishReason.STOP, text="hello", completion_tokens=2)


def submit(owner: Owner) -> Generation:
    return Generation.objects.get(pk=generation_submit(owner=owner, text="hi").generation_id)


def claim(generation: Generation, worker_id: str = "w1") -> Generation:
    claimed = generation_claim(generation_id=generation.pk, worker_id=worker_id)
    assert claimed is not None
    streams.take_over(str(claimed.pk), claimed.attempt)
    return claimed


def worker_alive(worker_id: str, *running: object) -> None:
    state = {
        "running": [f"{pk}:1" for pk in running],
        "slots": 1,
        "model": "m",
        "precision": "fp32",
    }
    redis_client().sadd(WORKERS_KEY, worker_id)
    redis_client().set(WORKER_KEY_PREFIX + worker_id, json.dumps(state))


def types(generation: Generation) -> list[str]:
    raw: Any = redis_client().xrange(streams.stream_key(str(generation.pk)))
    return [fields["t"] for _, fields in raw]


@pytest.mark.usefixtures("tiny", "sent")
def test_claim_twice_runs_once(member: Owner) -> None:
    generation = submit(member)
    first = generation_claim(generation_id=generation.pk, worker_id="w1")
    second = generation_claim(generation_id=generation.pk, worker_id="w2")
    assert first is not None
    assert second is None
    assert (first.status, first.attempt, first.worker_id) == ("running", 1, "w1")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("sent")
def test_claim_race_has_one_winner(tiny_folder: Any) -> None:
    from django.core.management import call_command

    call_command("load_checkpoint", str(tiny_folder))
    generation = submit(Owner.guest("192.0.2.9"))
    barrier = threading.Barrier(8)
    winners: list[str] = []

    def race(name: str) -> None:
        barrier.wait(10)
        if generation_claim(generation_id=generation.pk, worker_id=name):
            winners.append(name)
        connection.close()

    threads = [threading.Thread(target=race, args=(f"w{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(winners) == 1


@pytest.mark.usefixtures("tiny", "sent")
def test_lost_claim_cannot_write(member: Owner) -> None:
    """A worker that was taken for dead wakes up: nothing of it arrives anywhere."""
    zombie = claim(submit(member), "w1")
    name = str(zombie.pk)
    token = {"seq": 0, "text": "he", "ids": [1]}
    assert streams.append(name, zombie.attempt, "token", token) == Append.OK
    assert generation_requeue(generation=zombie)
    heir = claim(zombie, "w2")
    assert heir.attempt == 2
    assert streams.append(name, zombie.attempt, "token", token) == Append.REFUSED
    generation_snapshot(generation=zombie, text="zombie")
    assert not generation_finish(generation=zombie, outcome=DONE)
    assert not generation_requeue(generation=zombie)
    written = streams.read_written(name)
    assert (written.token_ids, written.text, written.next_seq) == ([1], "he", 1)
    assert generation_finish(generation=heir, outcome=DONE)
    heir.refresh_from_db()
    assert heir.message is not None
    assert heir.message.content == "hello"
    assert heir.status == Status.COMPLETED


@pytest.mark.usefixtures("tiny", "sent")
def test_append_sent_twice_adds_a_token_once(member: Owner) -> None:
    """Redis may take a call and answer too late: the publisher sends it again."""
    generation = claim(submit(member))
    name = str(generation.pk)
    for number in (0, 0, 1, 0, 1):
        body = f'{{"seq":{number},"text":"{number}"}}'
        entry = NewEntry(f"{1000 + number}-0", "token", body, str(number))
        assert streams.append_all([Addition(name, 1, entry, number)]) == [Append.OK]
    assert streams.read_written(name).text == "01"


@pytest.mark.usefixtures("tiny", "sent")
def test_nothing_follows_an_end_entry(member: Owner) -> None:
    generation = claim(submit(member))
    name = str(generation.pk)
    assert streams.append(name, 1, "done", {"text": ""}) == Append.OK
    assert streams.append(name, 1, "token", {"seq": 0, "text": "x", "ids": []}) == Append.REFUSED
    assert types(generation) == ["done"]


@pytest.mark.usefixtures("tiny")
def test_reaper_requeues_what_a_dead_worker_held(member: Owner, sent: list[str]) -> None:
    generation = claim(submit(member), "dead")
    assert generations_reap() == 1
    generation.refresh_from_db()
    assert (generation.status, generation.worker_id) == ("queued", "")
    assert sent == [str(generation.pk)] * 2
    assert generations_reap() == 0


@pytest.mark.usefixtures("tiny")
def test_reaper_leaves_what_is_held(member: Owner, sent: list[str]) -> None:
    held = claim(submit(member), "alive")
    worker_alive("alive", held.pk)
    Generation.objects.update(started_at=timezone.now() - timedelta(minutes=1))
    assert generations_reap() == 0
    worker_alive("alive")
    assert generations_reap() == 1, "the worker lives but does not know it"


@pytest.mark.usefixtures("tiny")
def test_reaper_gives_a_fresh_claim_time_to_be_signed(member: Owner, sent: list[str]) -> None:
    claim(submit(member), "alive")
    worker_alive("alive")
    assert generations_reap() == 0


@pytest.mark.usefixtures("tiny")
def test_reaper_fails_after_the_last_attempt(member: Owner, sent: list[str]) -> None:
    generation = submit(member)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        generation = claim(generation, f"dead{attempt}")
        token = {"seq": attempt - 1, "text": str(attempt), "ids": [attempt]}
        streams.append(str(generation.pk), attempt, "token", token)
        assert generations_reap() == 1
    generation.refresh_from_db()
    assert (generation.status, generation.error_code) == ("failed", "worker_lost")
    assert generation.message is not None
    assert generation.message.content == "123", "the partial text is kept"
    assert types(generation) == ["token", "token", "token", "error"]


@pytest.mark.usefixtures("tiny")
def test_reaper_queues_again_what_the_broker_lost(member: Owner, sent: list[str]) -> None:
    generation = submit(member)
    assert generations_reap() == 0
    Generation.objects.update(queued_at=timezone.now() - timedelta(seconds=30))
    redis_client().lpush("generate", "a task of somebody else")
    assert generations_reap() == 0
    redis_client().delete("generate")
    assert generations_reap() == 1
    assert generations_reap() == 0, "not again at every tick"
    assert sent == [str(generation.pk)] * 2


@pytest.mark.usefixtures("tiny")
def test_reaper_queues_again_what_later_rows_overtook(
    member: Owner, guest: Owner, sent: list[str]
) -> None:
    """A killed worker had taken the task from the broker, which is busy with others."""
    lost = submit(member)
    Generation.objects.update(queued_at=timezone.now() - timedelta(seconds=60))
    redis_client().lpush("generate", "a task of somebody else")
    assert generations_reap() == 0
    later = claim(submit(guest), "alive")
    worker_alive("alive", later.pk)
    assert generations_reap() == 1
    assert sent[-1] == str(lost.pk)


@pytest.mark.usefixtures("tiny", "sent")
def test_reaper_one_bad_row_does_not_stop_the_others(
    member: Owner, guest: Owner, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = claim(submit(member), "dead"), claim(submit(guest), "dead")
    real = recovery.generation_recover

    def recover(*, generation: Generation) -> bool:
        if generation.pk == bad.pk:
            raise ValueError("bad row")
        return real(generation=generation)

    monkeypatch.setattr(recovery, "generation_recover", recover)
    assert generations_reap() == 1
    good.refresh_from_db()
    assert good.status == Status.QUEUED
    assert "could not be recovered" in caplog.text


@pytest.mark.usefixtures("tiny", "sent")
def test_cancel_queued_ends_at_once(member: Owner) -> None:
    generation = submit(member)
    generation_cancel(generation=generation)
    generation.refresh_from_db()
    assert (generation.status, generation.finish_reason) == ("cancelled", "cancelled")
    assert types(generation) == ["done"]
    assert generation_claim(generation_id=generation.pk, worker_id="w") is None
    generation_cancel(generation=generation)
    assert types(generation) == ["done"]


@pytest.mark.usefixtures("tiny", "sent")
def test_cancel_running_is_seen_with_the_next_append(member: Owner) -> None:
    generation = claim(submit(member))
    generation_cancel(generation=generation)
    token = {"seq": 0, "text": "x", "ids": [1]}
    assert streams.append(str(generation.pk), 1, "token", token) == Append.CANCELLED


def test_history_leaves_unanswered_exchanges_out() -> None:
    turns = [
        Turn("user", "a"), Turn("assistant", ""), Turn("user", "b"), Turn("assistant", "c"),
        Turn("user", "d"),
    ]  # fmt: skip
    assert [t.content for t in without_unanswered(turns)] == ["b", "c", "d"]
