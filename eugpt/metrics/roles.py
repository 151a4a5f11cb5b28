"""Starts the private port in each process of deploy/Procfile: what it shows, when it lives.

| role | signs of life | ready with |
|---|---|---|
| web | its event loop turns | the first turn |
| worker | Celery's loop turns; the engine's thread steps or idles; Redis takes its key | a model |
| jobs | Celery's loop turns; Redis answers | both |
| beat | the broker took a task | the first one |
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from celery import bootsteps
from celery.signals import after_task_publish, beat_init, worker_init
from django.conf import settings

from eugpt.metrics.pulse import Pulse, engine_missing, engine_wrong
from eugpt.metrics.server import Check, MetricsServer

logger = logging.getLogger(__name__)

_TICK_S = 1.0
_LOOP, _REDIS, _TASKS = "loop", "redis", "tasks"

_pulse = Pulse(())
_is_on = False


def _nothing() -> dict[str, str]:
    return {}


def _begin(
    role: str, signs: tuple[str, ...], is_alive: Check = _nothing, is_ready: Check = _nothing
) -> None:
    """Answer on the private port from now on, if there is to be one."""
    global _pulse, _is_on
    if not settings.METRICS_PORT or _is_on:
        return
    # Only where it is asked for: counters that nobody reads are counted, but nobody looks around.
    from eugpt.metrics.shown import registry_of

    _pulse = pulse = Pulse(signs)
    address = (settings.METRICS_BIND, settings.METRICS_PORT)
    try:
        server = MetricsServer(
            address,
            is_alive=lambda: pulse.silent() | is_alive(),
            is_ready=lambda: pulse.silent() | pulse.missing() | is_alive() | is_ready(),
            registry=registry_of(role, on_redis=lambda: pulse.beat(_REDIS)),
        )
    except OSError as error:
        # EuGPT does its work without; whoever watches it misses it soon enough.
        logger.critical("no metrics on %s port %d: %s", *address, error)
        return
    _is_on = True
    server.start()


def web_started() -> asyncio.Task[None]:
    """Called on the event loop of a web process; the task is the loop's sign of life."""
    _begin("web", (_LOOP,))
    return asyncio.create_task(_turn(), name="pulse")


async def _turn() -> None:
    from eugpt.metrics.http import LOOP_LAG

    loop = asyncio.get_running_loop()
    while True:
        _pulse.beat(_LOOP)
        due = loop.time() + _TICK_S
        await asyncio.sleep(_TICK_S)
        LOOP_LAG.add(max(loop.time() - due, 0.0))


@worker_init.connect
def _worker_begins(sender: Any, **_: Any) -> None:
    from chat.generation.reaper import QUEUE

    if QUEUE in sender.app.amqp.queues.consume_from:
        _begin("worker", (_LOOP,), engine_wrong, engine_missing)
    else:
        _begin("jobs", (_LOOP, _REDIS))


@beat_init.connect
def _beat_begins(**_: Any) -> None:
    _begin("beat", (_TASKS,))


@after_task_publish.connect
def _task_sent(**_: Any) -> None:
    """In beat this is its work; elsewhere nobody asks."""
    _pulse.beat(_TASKS)


class PulseStep(bootsteps.StartStopStep):
    """A timer in the loop of a Celery worker; started again after each lost connection."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._timer: Any = None

    def start(self, consumer: Any) -> None:
        self.stop(consumer)
        _pulse.beat(_LOOP)
        self._timer = consumer.timer.call_repeatedly(_TICK_S, _pulse.beat, (_LOOP,))

    def stop(self, consumer: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
