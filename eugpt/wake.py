"""Wakes a Celery worker's loop when one of its tasks is done.

The loop asks the broker for the next message only while a place is free, and sleeps in `poll`
until something happens. A thread of the pool that ends is nothing that `poll` sees: with every
slot taken and prompts waiting, a worker stood still until its next timer, up to 5 s. The end of
each task therefore writes to a pipe of which the loop reads the other end.
"""

from __future__ import annotations

import os
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from celery import bootsteps
from celery.concurrency.thread import TaskPool

_DRAIN_BYTES = 4096


class WakeStep(bootsteps.StartStopStep):
    """Part of the consumer; started again with it after each lost connection to the broker."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._pipe: tuple[int, int] | None = None

    def start(self, consumer: Any) -> None:
        """Give the loop the pipe; the loop forgets it when it is reset."""
        if not isinstance(consumer.pool, TaskPool) or consumer.hub is None:
            return
        if self._pipe is None:
            self._pipe = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
            self._follow(consumer.pool)
        consumer.hub.add_reader(self._pipe[0], self._drain)

    def _follow(self, pool: TaskPool) -> None:
        """Have every task that the pool takes call `_wake` when all of its callbacks have run."""
        apply = pool.on_apply

        def on_apply(*args: Any, **options: Any) -> Any:
            result = apply(*args, **options)
            result.f.add_done_callback(self._wake)
            return result

        pool.on_apply = on_apply  # type: ignore[method-assign]

    def _wake(self, _future: Future[Any]) -> None:
        assert self._pipe is not None
        with suppress(BlockingIOError):  # it is full, so the loop will wake
            os.write(self._pipe[1], b"\0")

    def _drain(self) -> None:
        assert self._pipe is not None
        with suppress(BlockingIOError):
            os.read(self._pipe[0], _DRAIN_BYTES)
