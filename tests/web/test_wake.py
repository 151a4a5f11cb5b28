"""A worker whose places were all taken fetches the next task when one of them is free."""

from types import SimpleNamespace

from celery.concurrency.thread import TaskPool
from kombu.asynchronous import Hub

from eugpt.celery import app
from eugpt.wake import WakeStep


def run_task(pool: TaskPool) -> None:
    pool.on_apply(lambda: None, (), {}).wait()
    pool.on_stop()  # waits for the callbacks, too


def test_end_of_a_task_wakes_the_loop() -> None:
    hub, pool = Hub(), TaskPool(limit=1)
    consumer = SimpleNamespace(hub=hub, pool=pool)
    step = WakeStep(consumer)
    step.start(consumer)
    hub.reset()
    step.start(consumer)  # as after a lost connection to the broker
    assert not hub.poller.poll(0)
    run_task(pool)
    assert hub.poller.poll(0)
    next(hub.create_loop())
    assert not hub.poller.poll(0), "what was written has not been read"
    hub.close()


def test_workers_take_no_more_than_they_can_run() -> None:
    assert app.conf.worker_disable_prefetch
    assert WakeStep in app.steps["consumer"]


def test_other_pools_are_left_alone() -> None:
    consumer = SimpleNamespace(hub=Hub(), pool=object())
    WakeStep(consumer).start(consumer)
    assert not consumer.hub.readers
