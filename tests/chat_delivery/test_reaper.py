"""The reaper finds what nobody works on, and leaves alone what somebody does."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.store import redis_client
from chat.delivery import streams
from chat.generation import reaper, recovery
from chat.generation.lifecycle import MAX_ATTEMPTS, generation_snapshot
from chat.generation.reaper import QUEUE, generations_reap
from chat.generation.submit import Owner
from chat.models import Generation, Status
from chat.tasks import reap_generations
from tests.chat_delivery.generations import claim, submit, types, worker_alive

STALE_S = 0.3


@pytest.fixture(autouse=True)
def _quick_reaper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaper, "SETTLE_S", 0)
    monkeypatch.setattr(reaper, "STALE_S", STALE_S)


@pytest.mark.usefixtures("tiny")
def test_reaper_requeues_what_a_dead_worker_held(member: Owner, sent: list[str]) -> None:
    generation = claim(submit(member), "dead")
    assert generations_reap() == 1
    generation.refresh_from_db()
    assert (generation.status, generation.worker_id) == ("queued", "")
    assert sent == [str(generation.pk)] * 2
    assert generations_reap() == 0


@pytest.mark.usefixtures("tiny", "sent")
def test_reaper_does_not_judge_right_after_a_start_of_redis(
    member: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signs of life end with Redis: everybody looks dead until they have signed again."""
    monkeypatch.setattr(reaper, "SETTLE_S", 10**9)
    claim(submit(member), "dead")
    assert generations_reap() == 0


@pytest.mark.usefixtures("tiny", "sent")
def test_reaper_leaves_what_is_held(member: Owner) -> None:
    held = claim(submit(member), "alive")
    worker_alive("alive", held.pk)
    assert generations_reap() == 0
    time.sleep(STALE_S)
    assert generations_reap() == 0
    worker_alive("alive")
    assert generations_reap() == 0, "the sign of life may be older than the claim"
    time.sleep(STALE_S)
    assert generations_reap() == 1, "the worker lives but does not know it"


@pytest.mark.usefixtures("tiny", "sent")
def test_reaper_fails_after_the_last_attempt(member: Owner) -> None:
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


@pytest.mark.usefixtures("tiny", "sent")
def test_reaper_keeps_the_saved_words_when_redis_has_fewer(member: Owner) -> None:
    generation = submit(member)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        generation = claim(generation, f"dead{attempt}")
        generation_snapshot(generation=generation, text="saved words")
        redis_client().delete(streams.stream_key(str(generation.pk)))
        assert generations_reap() == 1
    generation.refresh_from_db()
    assert generation.status == "failed"
    assert generation.message is not None
    assert generation.message.content == "saved words"


@pytest.mark.usefixtures("tiny")
def test_reaper_sends_tasks_in_place_of_lost_ones(
    member: Owner, guest: Owner, sent: list[str]
) -> None:
    """Also while the broker and the workers hold other tasks."""
    first, second, third = submit(member), submit(guest), submit(guest)
    sent.clear()
    redis_client().lpush(QUEUE, "a task")
    worker_alive("alive", waiting=1)
    assert generations_reap() == 0, "it may be on its way"
    time.sleep(STALE_S)
    assert generations_reap() == 1
    assert sent == [str(first.pk)], "any task makes a worker claim whoever waits longest"
    redis_client().lpush(QUEUE, "the task that was sent")
    time.sleep(STALE_S)
    assert generations_reap() == 0
    redis_client().delete(QUEUE)
    generations_reap()
    time.sleep(STALE_S)
    assert generations_reap() == 2
    assert sent[1:] == [str(first.pk), str(second.pk)]
    assert third.status == Status.QUEUED


@pytest.mark.usefixtures("tiny", "sent")
def test_reaper_forgives_a_task_that_was_missing_for_a_moment(member: Owner) -> None:
    submit(member)
    for _ in range(3):
        assert generations_reap() == 0
        redis_client().lpush(QUEUE, "a task")
        time.sleep(STALE_S)
        assert generations_reap() == 0
        redis_client().delete(QUEUE)


@pytest.mark.usefixtures("tiny", "sent")
def test_reaper_ends_what_has_waited_too_long(guest: Owner) -> None:
    """Without any worker nobody waits forever."""
    generation = submit(guest)
    Generation.objects.update(queued_at=timezone.now() - reaper.QUEUE_LIFE - timedelta(seconds=1))
    assert generations_reap() == 1
    generation.refresh_from_db()
    assert (generation.status, generation.error_code) == ("failed", "input_expired")
    assert types(generation) == ["error"]
    assert generations_reap() == 0


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
def test_reaper_stops_what_runs_for_the_suspended(member: Owner, guest: Owner, user: User) -> None:
    """A prompt that came at the very moment: the suspension has not seen it."""
    running = claim(submit(member), "alive")
    waiting, spared = submit(Owner.member(user)), submit(guest)
    worker_alive("alive", running.pk)
    User.objects.filter(pk=user.pk).update(is_active=False)
    reap_generations()
    waiting.refresh_from_db()
    assert (waiting.status, waiting.finish_reason) == ("cancelled", "cancelled")
    assert types(waiting) == ["done"]
    token = {"seq": 0, "text": "a"}
    answer = streams.append(str(running.pk), running.attempt, "token", token)
    assert answer == streams.Append.CANCELLED
    spared.refresh_from_db()
    assert spared.status == Status.QUEUED


@pytest.mark.usefixtures("tiny", "sent")
def test_reaper_what_cannot_be_stopped_does_not_hold_it_up(
    member: Owner, guest: Owner, user: User, caplog: pytest.LogCaptureFixture
) -> None:
    lost, bad, other = claim(submit(guest), "dead"), submit(member), submit(member)
    redis_client().set(streams.control_key(str(bad.pk)), "no hash")
    User.objects.filter(pk=user.pk).update(is_active=False)
    reap_generations()
    other.refresh_from_db()
    lost.refresh_from_db()
    assert (other.status, lost.status) == (Status.CANCELLED, Status.QUEUED)
    assert f"{bad.pk} of a suspended user was not stopped" in caplog.text
