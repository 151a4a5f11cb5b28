"""Claims, fencing and cancel, on the real database and Valkey, without a worker."""

import threading
from typing import Any

import pytest
from django.db import connection
from redis.exceptions import RedisError

from accounts.store import redis_client
from chat.delivery import streams
from chat.delivery.streams import Addition, Append, NewEntry
from chat.generation.cancel import generation_cancel
from chat.generation.history import without_unanswered
from chat.generation.lifecycle import (
    Outcome,
    generation_claim,
    generation_finish,
    generation_requeue,
    generation_snapshot,
)
from chat.generation.submit import Owner
from chat.models import FinishReason, Generation, Status
from inference.public import Turn
from tests.chat_delivery.generations import claim, submit, types

DONE = Outcome(Status.COMPLETED, FinishReason.STOP, text="hello", completion_tokens=2)


@pytest.mark.usefixtures("tiny", "sent")
def test_claim_twice_runs_once(member: Owner) -> None:
    submit(member)
    first = generation_claim(worker_id="w1")
    second = generation_claim(worker_id="w2")
    assert first is not None
    assert second is None
    assert (first.status, first.attempt, first.worker_id) == ("running", 1, "w1")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("sent")
def test_claim_race_has_one_winner(tiny_folder: Any) -> None:
    from django.core.management import call_command

    call_command("load_checkpoint", str(tiny_folder))
    submit(Owner.guest("192.0.2.9"))
    barrier = threading.Barrier(8)
    winners: list[str] = []

    def race(name: str) -> None:
        barrier.wait(10)
        if generation_claim(worker_id=name):
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
def test_a_server_that_takes_no_writes_is_an_outage_not_a_refusal(member: Owner) -> None:
    """A refusal costs an attempt; a master that became a replica will be one again."""
    generation = claim(submit(member))
    name = str(generation.pk)
    token = {"seq": 0, "text": "x", "ids": [1]}
    server: Any = redis_client()
    server.execute_command("REPLICAOF", "127.0.0.1", "1")
    try:
        with pytest.raises(RedisError):
            streams.append(name, 1, "token", token)
    finally:
        server.execute_command("REPLICAOF", "NO", "ONE")
    assert streams.append(name, 1, "token", token) == Append.OK


@pytest.mark.usefixtures("tiny", "sent")
def test_nothing_follows_an_end_entry(member: Owner) -> None:
    generation = claim(submit(member))
    name = str(generation.pk)
    assert streams.append(name, 1, "done", {"text": ""}) == Append.OK
    assert streams.append(name, 1, "token", {"seq": 0, "text": "x", "ids": []}) == Append.REFUSED
    assert types(generation) == ["done"]


@pytest.mark.usefixtures("tiny", "sent")
def test_cancel_queued_ends_at_once(member: Owner) -> None:
    generation = submit(member)
    generation_cancel(generation=generation)
    generation.refresh_from_db()
    assert (generation.status, generation.finish_reason) == ("cancelled", "cancelled")
    assert types(generation) == ["done"]
    assert generation_claim(worker_id="w") is None
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


@pytest.mark.usefixtures("tiny", "sent")
def test_claim_takes_whichever_waits_longest(member: Owner, guest: Owner) -> None:
    """Whatever the order of tasks: one that lost its worker goes before those that came later."""
    first, second = submit(member), submit(guest)
    claim(first)
    assert generation_requeue(generation=Generation.objects.get(pk=first.pk))
    assert claim(first, "w2").attempt == 2
    claim(second)
    assert generation_claim(worker_id="w3") is None


@pytest.mark.usefixtures("tiny", "sent")
def test_late_take_over_does_not_steal_the_stream(member: Owner) -> None:
    """A worker that slept between its claim and its first entry finds another one at work."""
    generation = claim(submit(member))
    name = str(generation.pk)
    assert streams.take_over(name, 2) is not None
    assert streams.take_over(name, 1) is None
    assert streams.append(name, 2, "started", {"model": "m"}) == Append.OK
    assert streams.append(name, 2, "done", {"text": ""}) == Append.OK
    assert streams.take_over(name, 3) is None, "nothing follows an end"
