"""Starts the private port in each process of deploy/Procfile, with the signs of life of its role.

| role | signs of life |
|---|---|
| web | its event loop turns |
| worker | Celery's loop turns; the engine's thread steps or idles; Redis takes its key |
| jobs | Celery's loop turns; Redis answers |
| beat | a task was sent |
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
_LOOP, _TASKS = "loop", "tasks"

_pulse = Pulse(())
_server: MetricsServer | None = None


def _none_wrong() -> dict[str, str]:
    return {}


def _serve(
    signs: tuple[str, ...], also_alive: Check = _none_wrong, also: Check = _none_wrong
) -> None:
    """Answer on the private port from now on, if there is to be one."""
    global _pulse, _server
    _pulse = pulse = Pulse(signs)
    if not settings.METRICS_PORT or _server is not None:
        return
    try:
        _server = MetricsServer(
            (settings.METRICS_BIND, settings.METRICS_PORT),
            is_alive=lambda: pulse.silent() | also_alive(),
            is_ready=lambda: pulse.silent() | pulse.missing() | also_alive() | also(),
        )
    except OSError as error:
        # EuGPT does its work without; whoever watches it misses it soon enough.
        logger.critical(
            "no metrics: %s port %d: %s", settings.METRICS_BIND, settings.METRICS_PORT, error
        )
        return
    _server.start()


def web_started() -> asyncio.Task[None]:
    """Called on the event loop of a web process; the task is the loop's sign of life."""
    _serve((_LOOP,))
    return asyncio.create_task(_beat(), name="pulse")


async def _beat() -> None:
    while True:
        _pulse.beat(_LOOP)
        await asyncio.sleep(_TICK_S)


@worker_init.connect
def _worker_begins(sender: Any, **_: Any) -> None:
    from chat.generation.reaper import QUEUE

    if QUEUE in sender.app.amqp.queues.consume_from:
        _serve((_LOOP,), engine_wrong, engine_missing)
    else:
        _serve((_LOOP,))


@beat_init.connect
def _beat_begins(**_: Any) -> None:
    _serve((_TASKS,))


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
