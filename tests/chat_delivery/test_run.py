"""A real worker (engine, publisher, sign of life) in this process, while servers fail around it."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, connections
from pytest_django.fixtures import Settings

from accounts.store import redis_client
from chat.delivery import streams
from chat.generation import ending, run
from chat.generation.lifecycle import (
    MAX_ATTEMPTS,
    generation_claim,
    generation_finish,
    generation_requeue,
)
from chat.generation.patience import patiently
from chat.generation.run import generation_run
from chat.generation.submit import Owner, generation_submit
from chat.generation.worker import Worker
from chat.models import Generation, Status
from inference.public import StepOutput
from tests.accounts.clients import user_make
from tests.chat_delivery.valkey import MortalValkey, mortal_valkey
from tests.support.servers import TestServers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sent")]

LENGTH = 200
AT_TOKEN = 40
PARAMS = {"max_tokens": LENGTH, "min_tokens": LENGTH, "seed": 5}


class Interrupted:
    """Does something to the world once, when so many tokens have come, on the engine's thread."""

    def __init__(self, put: Callable[[list[StepOutput]], None]) -> None:
        self._put = put
        self._tokens = 0
        self.action: Callable[[], None] | None = None

    def __call__(self, outputs: list[StepOutput]) -> None:
        self._put(outputs)
        self._tokens += sum(len(output.token_ids) for output in outputs)
        if self.action and self._tokens >= AT_TOKEN:
            action, self.action = self.action, None
            time.sleep(0.1)  # the publisher has sent what has come
            action()


@pytest.fixture
def valkey(
    servers: TestServers, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MortalValkey]:
    with mortal_valkey(servers, settings, monkeypatch, f"mortal-{uuid.uuid4().hex[:6]}") as made:
        yield made


@pytest.fixture
def world(tiny_folder: Path, settings: Settings) -> None:
    settings.SLOTS = 4
    settings.LIMITS_ENABLED = False
    call_command("load_checkpoint", str(tiny_folder))


@pytest.fixture
def worker(world: None, valkey: MortalValkey) -> Iterator[Worker]:
    made = Worker()
    made.publisher.put = Interrupted(made.publisher.put)  # type: ignore[method-assign]
    made.start()
    yield made
    made.stop()


def interrupt(worker: Worker, action: Callable[[], None]) -> None:
    put = worker.publisher.put
    assert isinstance(put, Interrupted)
    put.action = action


def submit(owner: Owner | None = None) -> Generation:
    owner = owner or Owner.guest("192.0.2.7")
    submitted = generation_submit(owner=owner, text="hello", params=PARAMS)
    return Generation.objects.get(pk=submitted.generation_id)


def entries(generation: Generation) -> list[tuple[str, dict[str, str]]]:
    raw: Any = redis_client().xrange(streams.stream_key(str(generation.pk)))
    return [(entry_id, fields) for entry_id, fields in raw]


def check_whole(generation: Generation) -> None:
    """One start, every token once, one end that says the same text."""
    generation.refresh_from_db()
    assert (generation.status, generation.completion_tokens) == ("completed", LENGTH)
    kinds = [fields["t"] for _, fields in entries(generation)]
    assert kinds[0] == "started"
    assert kinds[-1] == "done"
    assert set(kinds[1:-1]) == {"token"}
    written = streams.read_written(str(generation.pk))
    assert len(written.token_ids) == LENGTH
    assert f'"text":{streams.encode(written.text)}' in entries(generation)[-1][1]["d"]


def cut_database() -> None:
    """Every connection breaks, as when PostgreSQL restarts."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def in_own_thread(work: Callable[[], object]) -> None:
    """Database work beside the thread that runs the generation."""

    def guarded() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=guarded)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()


def test_reply_is_whole(worker: Worker) -> None:
    generation = submit()
    assert generation_run(worker=worker)
    check_whole(generation)
    assert not generation_run(worker=worker), "nothing waits any more"


def test_reply_is_whole_though_redis_loses_everything(worker: Worker, valkey: MortalValkey) -> None:
    before: list[tuple[str, dict[str, str]]] = []
    generation = submit()

    def lose() -> None:
        before.extend(entries(generation))
        valkey.forget()

    interrupt(worker, lose)
    assert generation_run(worker=worker)
    check_whole(generation)
    assert entries(generation)[: len(before)] == before, "the same ids, the same words"
    assert len(before) > 1


def test_redis_that_is_away_at_the_claim_costs_time_only(
    worker: Worker, valkey: MortalValkey
) -> None:
    generation = submit(Owner.member(user_make()))
    valkey.kill()
    back = threading.Timer(1.5, valkey.start)
    back.start()
    assert generation_run(worker=worker)
    back.join()
    check_whole(generation)


def test_redis_that_is_away_at_the_end_costs_time_only(
    worker: Worker, valkey: MortalValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the stored answer and the end entry."""
    generation = submit()
    back = threading.Timer(1.5, valkey.start)

    def finish(**arguments: Any) -> bool:
        is_mine = generation_finish(**arguments)
        valkey.kill()
        back.start()
        return is_mine

    monkeypatch.setattr("chat.generation.ending.generation_finish", finish)
    assert generation_run(worker=worker)
    back.join()
    check_whole(generation)


def test_guest_whose_input_is_lost_is_told_so(worker: Worker, valkey: MortalValkey) -> None:
    generation = submit()
    valkey.forget()
    assert generation_run(worker=worker)
    generation.refresh_from_db()
    assert (generation.status, generation.error_code) == ("failed", "input_expired")
    (_, end) = entries(generation)[-1]
    assert end["t"] == "error"
    assert '"input_expired"' in end["d"]


def test_member_loses_nothing_with_redis_while_waiting(
    worker: Worker, valkey: MortalValkey
) -> None:
    generation = submit(Owner.member(user_make()))
    valkey.forget()
    assert generation_run(worker=worker)
    check_whole(generation)


def test_broken_database_connections_cost_time_only(worker: Worker) -> None:
    """At the claim, while words are written, and at the end."""
    generation = submit()
    assert Generation.objects.count() == 1  # this thread's connection is open
    in_own_thread(cut_database)
    interrupt(worker, lambda: in_own_thread(cut_database))
    assert generation_run(worker=worker)
    connection.close()
    check_whole(generation)


def test_database_cut_before_the_prompt_is_read_costs_time_only(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = submit(Owner.member(user_make()))
    take_over = streams.take_over

    def cut_after_claim(*arguments: Any) -> Any:
        in_own_thread(cut_database)
        return take_over(*arguments)

    monkeypatch.setattr(streams, "take_over", cut_after_claim)
    assert generation_run(worker=worker)
    connection.close()
    check_whole(generation)


def test_database_away_for_too_long_at_the_end_gives_the_reply_back(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All words are there: the next attempt adds the end."""
    is_away = True

    def finish(**arguments: Any) -> bool:
        if is_away:
            raise OperationalError("the database is away")
        return generation_finish(**arguments)

    monkeypatch.setattr(ending, "generation_finish", finish)
    monkeypatch.setattr(ending, "patiently", partial(patiently, patience_s=0.1))
    generation = submit(Owner.member(user_make()))
    assert generation_run(worker=worker)
    generation.refresh_from_db()
    assert (generation.status, generation.attempt) == ("queued", 1)
    is_away = False
    assert generation_run(worker=worker)
    check_whole(generation)


def test_worker_that_lost_its_claim_adds_nothing(worker: Worker) -> None:
    """Taken for dead in the middle; an heir has the row and the stream."""
    generation = submit()
    kept: list[tuple[str, dict[str, str]]] = []

    def inherit() -> None:
        assert generation_requeue(generation=Generation.objects.get(pk=generation.pk))
        heir = generation_claim(worker_id="heir")
        assert heir is not None
        streams.take_over(str(heir.pk), heir.attempt)
        kept.extend(entries(generation))

    interrupt(worker, lambda: in_own_thread(inherit))
    assert generation_run(worker=worker)
    assert entries(generation) == kept
    generation.refresh_from_db()
    assert (generation.status, generation.attempt, generation.worker_id) == ("running", 2, "heir")


def test_engine_that_says_nothing_gives_the_reply_back(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And after the last attempt it fails: nobody waits for ever."""
    monkeypatch.setattr(run, "SILENCE_LIMIT_S", 0.3)
    monkeypatch.setattr(run, "SNAPSHOT_S", 0.1)
    monkeypatch.setattr(worker.serving.thread, "submit", lambda *arguments: None)
    generation = submit()
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert generation_run(worker=worker)
        generation.refresh_from_db()
        expected = Status.QUEUED if attempt < MAX_ATTEMPTS else Status.FAILED
        assert (generation.status, generation.attempt) == (expected, attempt)
    assert generation.error_code == "worker_lost"
    assert [fields["t"] for _, fields in entries(generation)] == ["started", "error"]


def test_a_stop_is_obeyed_within_two_steps(worker: Worker) -> None:
    """Heard by itself: no append has told of it, and the words written so far stay."""
    assert worker.stops.is_listening.wait(10)
    generation = submit()

    def ask() -> None:
        redis_client().publish(streams.STOPS, str(generation.pk))
        time.sleep(0.5)  # the engine stands still here; the wish has arrived when it goes on

    interrupt(worker, ask)
    assert generation_run(worker=worker)
    generation.refresh_from_db()
    assert (generation.status, generation.finish_reason) == ("cancelled", "cancelled")
    assert AT_TOKEN <= generation.completion_tokens <= AT_TOKEN + 2
    assert len(streams.read_written(str(generation.pk)).token_ids) == generation.completion_tokens


def test_stops_are_heard_again_after_valkey_was_away(worker: Worker, valkey: MortalValkey) -> None:
    assert worker.stops.is_listening.wait(10)
    valkey.kill()
    valkey.start()
    heard: list[str] = []
    worker.stops._on_stop = heard.append
    deadline = time.monotonic() + 30
    while not heard and time.monotonic() < deadline:
        redis_client().publish(streams.STOPS, "somebody")
        time.sleep(0.1)
    assert "somebody" in heard
