"""What a worker leaves behind whose host was cut off, and what its clock may say."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.store import redis_client
from chat.delivery import streams
from chat.delivery.reply import RunningReply, write
from chat.generation import reaper
from chat.generation.fence import held_in_database
from chat.generation.lifecycle import Outcome, generation_finish
from chat.generation.reaper import generations_reap
from chat.generation.submit import Owner
from chat.generation.suspects import suspects_confirm
from chat.models import FinishReason, Generation, Status
from chat.tasks import reap_generations
from eugpt.celery import app
from tests.chat_delivery.generations import claim, submit
from tests.support.servers import TestServers

WAIT_S = 20.0
SKEW = timedelta(seconds=60)
STARTED = '{"model":"m"}'


@pytest.fixture(autouse=True)
def _quick_reaper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaper, "SETTLE_S", 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("tiny", "sent")
def test_a_row_that_a_vanished_worker_has_locked_holds_up_no_other(
    member: Owner, guest: Owner
) -> None:
    locked, free = claim(submit(member), "dead"), claim(submit(guest), "dead")
    reaped: list[int] = []

    def reap() -> None:
        try:
            reaped.append(generations_reap())
        finally:
            connection.close()

    with psycopg.connect(**_parameters()) as vanished:
        vanished.execute("SELECT 1 FROM chat_generation WHERE id = %s FOR UPDATE", [locked.pk])
        look = threading.Thread(target=reap)
        look.start()
        look.join(WAIT_S)
        is_held_up = look.is_alive()
        vanished.rollback()
    look.join(WAIT_S)
    assert not is_held_up
    assert reaped == [1]
    assert {str(row.pk): row.status for row in Generation.objects.all()} == {
        str(locked.pk): Status.RUNNING,
        str(free.pk): Status.QUEUED,
    }
    assert generations_reap() == 1, "the lock is gone, so the next look finds it"


def _parameters() -> dict[str, Any]:
    parameters = connection.get_connection_params()
    return {n: parameters[n] for n in ("dbname", "user", "password", "host", "port")}


@pytest.mark.django_db
def test_the_server_gives_up_a_client_that_vanished_in_a_transaction() -> None:
    wanted = {
        "idle_in_transaction_session_timeout": "10s",
        "tcp_keepalives_idle": "5",
        "tcp_keepalives_interval": "2",
        "tcp_keepalives_count": "3",
        "tcp_user_timeout": "10000",
    }
    with connection.cursor() as cursor:
        for name, value in wanted.items():
            cursor.execute(f"SHOW {name}")
            assert cursor.fetchone() == (value,), name


def test_a_silent_connection_is_given_up_in_seconds() -> None:
    options = settings.DATABASES["default"]["OPTIONS"]
    assert (options["tcp_user_timeout"], options["keepalives_idle"]) == (10_000, 5)
    broker = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    assert broker["socket_timeout"] == 10
    for socket_options in (broker, settings.REDIS_SOCKET):
        assert socket_options["socket_keepalive"] is True
        assert len(socket_options["socket_keepalive_options"]) == 4


@pytest.mark.parametrize("skew", [SKEW, -SKEW])
@pytest.mark.usefixtures("tiny", "sent")
def test_times_of_a_reply_are_by_one_clock(
    member: Owner, skew: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = submit(member)
    now = timezone.now
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(timezone, "now", lambda: now() + skew)
        claimed = claim(generation, "w1")
        outcome = Outcome(Status.COMPLETED, FinishReason.STOP, text="hi")
        assert generation_finish(generation=claimed, outcome=outcome)
    generation.refresh_from_db()
    assert generation.started_at is not None
    assert generation.finished_at is not None
    began, took = generation.started_at, generation.finished_at - generation.started_at
    assert abs(began - generation.queued_at) < SKEW / 2
    assert abs(took) < SKEW / 2
    assert abs(datetime.now(UTC) - generation.finished_at) < SKEW / 2


def test_another_machines_clock_makes_nobody_a_suspect_for_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert suspects_confirm({"a"}, after_s=30) == set()
    monkeypatch.setattr("time.time", lambda: 4_000_000_000.0)
    assert suspects_confirm({"a"}, after_s=30) == set()


@pytest.mark.usefixtures("tiny", "sent")
def test_looks_that_have_piled_up_are_one(member: Owner) -> None:
    claim(submit(member), "dead")
    reap_generations()
    assert Generation.objects.get().status == Status.QUEUED
    claim(Generation.objects.get(), "dead too")
    reap_generations()
    assert Generation.objects.get().status == Status.RUNNING
    redis_client().delete("eugpt:reaper:turn")
    reap_generations()
    assert Generation.objects.get().status == Status.QUEUED


def test_scheduled_tasks_do_not_expire_by_somebody_elses_clock() -> None:
    schedule: dict[str, dict[str, Any]] = settings.CELERY_BEAT_SCHEDULE
    for entry in schedule.values():
        assert "expires" not in entry.get("options", {})


def test_what_follows_dropped_words_is_above_them_whatever_the_clock_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first worker's clock is ahead by a minute; readers hold ids of its making."""
    name, ahead_ns = "4d2c6f4e-0000-4000-8000-000000000001", 60 * 10**9
    first = RunningReply(name, 1)
    with monkeypatch.context() as elsewhere:
        now_ns = streams_now_ns()
        elsewhere.setattr("time.time_ns", lambda: now_ns + ahead_ns)
        _go_on(first)
        for _ in range(3):
            assert write([(first, first.addition("token", "{}"))], held_in_database, 1) == [1]
    cursor = first.entries[-1].id
    assert streams.drop_words(name, 1)
    second = RunningReply(name, 2)
    _go_on(second)
    assert write([(second, second.addition("started", STARTED))], held_in_database, 1) == [1]
    assert streams.cursor_order(second.entries[-1].id) > streams.cursor_order(cursor)
    streams.end_anew(name, {"model": "m"}, {})
    told: Any = redis_client().xrange(streams.stream_key(name))
    assert [fields["t"] for _, fields in told] == ["started", "done"]
    assert streams.cursor_order(told[0][0]) > streams.cursor_order(second.entries[-1].id)


def streams_now_ns() -> int:
    return int(datetime.now(UTC).timestamp() * 1e9)


def _go_on(reply: RunningReply) -> None:
    written = streams.take_over(reply.id, reply.attempt)
    assert written is not None
    reply.go_on(written)


def test_the_broker_is_asked_again_every_second_however_long_it_is_away() -> None:
    waits: list[float] = []

    class Enough(Exception):
        """Of tries."""

    def failed(_error: Exception, interval: float) -> None:
        waits.append(interval)
        if len(waits) == 3:
            raise Enough

    with app.connection_for_read("redis://127.0.0.1:1/0") as nowhere, pytest.raises(Enough):
        nowhere.ensure_connection(failed, app.conf.broker_connection_max_retries)
    assert waits == [1, 1, 1]


def test_a_broker_that_goes_away_under_a_sender_is_an_outage(servers: TestServers) -> None:
    broker = servers.new_valkey("broker-that-goes")
    broker.start()
    try:
        with app.connection_for_write(broker.url) as connected:
            sender = app.amqp.Producer(connected)
            app.send_task("chat.tasks.run_generation", ["x"], producer=sender)
            broker.stop()
            with pytest.raises(OperationalError):
                app.send_task("chat.tasks.run_generation", ["x"], producer=sender)
    finally:
        broker.stop()
