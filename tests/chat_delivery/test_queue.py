"""Places in the queue and estimates: from the pace, for all who wait, told when they change."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.store import redis_client
from chat.delivery import board as boards
from chat.delivery.board import QueueBoard, Waiting
from chat.delivery.follow import follow
from chat.delivery.tailer import Tailer
from chat.delivery.threads import in_thread
from chat.generation import queue
from chat.generation.cancel import generation_cancel
from chat.generation.queue import Pace, QueuePlace, queue_end, queue_line, queue_place
from chat.generation.submit import Owner
from chat.generation.worker import WORKER_KEY_PREFIX, WORKERS_KEY
from chat.generation.workers import workers_alive
from chat.models import Generation, Status
from tests.chat_delivery.generations import claim, submit, worker_alive


@pytest.fixture(autouse=True)
def _ask_for_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has workers of its own."""
    monkeypatch.setattr(queue, "_slots_until", 0.0)
    monkeypatch.setattr(queue, "_slots_known", 0)


def waiting_rows(count: int) -> list[Generation]:
    rows = [
        Generation(owner_key=f"g:{n}", queued_at=timezone.now() + timedelta(milliseconds=n))
        for n in range(count)
    ]
    return Generation.objects.bulk_create(rows)


def ended_rows(count: int, took_s: float) -> None:
    now = timezone.now()
    Generation.objects.bulk_create(
        Generation(
            owner_key=f"e:{n}",
            status=Status.COMPLETED,
            queued_at=now - timedelta(minutes=1),
            started_at=now - timedelta(seconds=took_s),
            finished_at=now,
        )
        for n in range(count)
    )


def test_free_slots_mean_no_wait() -> None:
    pace = Pace(ages=[1.0], took=[4.0] * 3, slots=3)
    assert pace.waits(3) == [0.0, 0.0, 3.0]


def test_line_is_played_through() -> None:
    """Two slots become free after 1 s and 3 s, and after 4 s more each."""
    pace = Pace(ages=[3.0, 1.0], took=[4.0] * 3, slots=2)
    assert pace.waits(5) == [1.0, 3.0, 5.0, 7.0, 9.0]


def test_estimate_grows_where_nothing_ends() -> None:
    quick, stuck, hung = (
        Pace(ages=[age] * 4, took=[4.0] * 4, slots=4).waits(1)[0] for age in (3.0, 20.0, 60.0)
    )
    assert quick < stuck < hung


def test_estimate_does_not_jump_when_a_batch_takes_a_little_longer() -> None:
    """Replies of one length that began together end together: nothing ends until all do."""
    before, after = (
        Pace(ages=[age] * 4, took=[4.0] * 12, slots=4).waits(20)[-1] for age in (3.9, 4.4)
    )
    assert after < before + 2.0


@pytest.mark.django_db
def test_estimate_is_sensible_when_nothing_was_measured() -> None:
    worker_alive("w")
    assert queue_end() == QueuePlace(1, 0.0)
    waiting_rows(3)
    assert queue_end() == QueuePlace(4, 6.0)


@pytest.mark.django_db
def test_estimate_counts_the_slots_of_all_workers() -> None:
    worker_alive("a", slots=2)
    worker_alive("b", slots=3)
    ended_rows(5, took_s=10.0)
    waiting_rows(5)
    assert queue_end().eta_s == pytest.approx(10.0, abs=0.2)


def test_worker_of_a_later_version_may_say_more() -> None:
    """Else nobody could send a prompt while a newer one takes its place."""
    state = {"running": [], "slots": 3, "model": "m", "precision": "fp32", "mood": "good"}
    redis_client().sadd(WORKERS_KEY, "newer")
    redis_client().set(WORKER_KEY_PREFIX + "newer", json.dumps(state))
    assert workers_alive()["newer"].slots == 3


@pytest.mark.django_db
def test_line_and_single_places_agree() -> None:
    worker_alive("w")
    rows = waiting_rows(4)
    line = queue_line()
    assert [line[str(row.pk)] for row in rows] == [queue_place(row) for row in rows]
    assert [place.position for place in line.values()] == [1, 2, 3, 4]


@pytest.mark.django_db
def test_line_is_one_query() -> None:
    worker_alive("w")
    waiting_rows(50)
    with CaptureQueriesContext(connection) as queries:
        assert len(queue_line()) == 50
    assert len(queries) == 1


class _Reader:
    """What the board needs of a reader."""

    def __init__(self, generation_id: str) -> None:
        self.generation_id = generation_id
        self.woken = asyncio.Event()

    def wake(self) -> None:
        self.woken.set()


async def test_board_asks_once_a_look_however_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    def line() -> dict[str, QueuePlace]:
        nonlocal looks
        looks += 1
        return {str(n): QueuePlace(n + 1, float(n)) for n in range(50)}

    monkeypatch.setattr(boards, "LOOK_S", 0.05)
    monkeypatch.setattr(boards, "queue_line", line)
    own = QueueBoard()
    joined = [own.join(_Reader(str(n))) for n in range(50)]  # type: ignore[arg-type]
    await asyncio.sleep(0.3)
    assert 2 <= looks <= 6
    assert [w.news().position for w in joined if (w.now)] == list(range(1, 51))  # type: ignore[union-attr]
    for waiting in joined:
        own.leave(waiting)
    await asyncio.sleep(0.1)
    seen = looks
    await asyncio.sleep(0.2)
    assert looks == seen, "nobody waits, nobody asks"


async def test_board_outlives_a_look_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [0]

    def line() -> dict[str, QueuePlace]:
        looks[0] += 1
        if looks[0] == 1:
            raise ValueError("nobody foresaw this")
        return {"a": QueuePlace(1, 0.5)}

    monkeypatch.setattr(boards, "LOOK_S", 0.05)
    monkeypatch.setattr(boards, "queue_line", line)
    board, reader = QueueBoard(), _Reader("a")
    waiting = board.join(reader)  # type: ignore[arg-type]
    for _ in range(200):
        if waiting.now is not None:
            break
        await asyncio.sleep(0.05)
    assert waiting.now == QueuePlace(1, 0.5)
    board.leave(waiting)


def test_news_are_told_once_and_a_countdown_is_none() -> None:
    waiting = Waiting(_Reader("x"), 0.0, now=QueuePlace(3, 10.0))  # type: ignore[arg-type]
    assert waiting.news() == QueuePlace(3, 10.0)
    assert waiting.news() is None
    waiting.now = QueuePlace(3, 9.0)
    assert waiting.news() is None
    waiting.now = QueuePlace(3, 20.0)
    assert waiting.news() == QueuePlace(3, 20.0)
    waiting.now = QueuePlace(2, 19.0)
    assert waiting.news() == QueuePlace(2, 19.0)


@pytest.fixture
async def own_tailer(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    made = Tailer()
    monkeypatch.setattr("chat.delivery.follow.tailer", lambda: made)
    yield
    await made.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("sent", "own_tailer")
async def test_those_behind_hear_of_a_cancel_and_of_a_claim(tiny_folder: Any) -> None:
    from django.core.management import call_command

    await in_thread(partial(call_command, "load_checkpoint", str(tiny_folder)))
    worker_alive("w")
    rows = [await in_thread(partial(submit, Owner.guest(f"192.0.2.{n}"))) for n in range(3)]
    events = follow(rows[2].pk)
    loop = asyncio.get_running_loop()
    try:
        first = await anext(events)
        assert (first.type, first.data["position"]) == ("queued", 3)
        assert first.data["eta_s"] > 0
        began = loop.time()
        await in_thread(partial(generation_cancel, generation=rows[0]))
        second = await asyncio.wait_for(anext(events), 10)
        assert (second.type, second.data["position"]) == ("queued", 2)
        assert second.data["eta_s"] < first.data["eta_s"]
        assert loop.time() - began < 5
        await in_thread(partial(claim, rows[1]))
        third = await asyncio.wait_for(anext(events), 10)
        assert (third.type, third.data["position"]) == ("queued", 1)
    finally:
        await events.aclose()
        task = boards.board()._task
        assert task is not None
        await asyncio.wait_for(task, 10)  # nobody waits any more
