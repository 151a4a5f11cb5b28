"""Celery tasks: each parses its id and calls one service. All of them may run twice."""

import logging
import os
import sys
from typing import Any

from celery import shared_task
from celery.exceptions import WorkerShutdown
from celery.signals import worker_ready, worker_shutdown

from accounts.store import redis_client
from chat.generation.cancel import generations_stop_suspended
from chat.generation.reaper import QUEUE, generations_reap
from chat.generation.run import generation_run
from chat.generation.worker import worker, worker_stop
from inference.public import ServingEngine

logger = logging.getLogger(__name__)

# Beat sends one look a second. Those that have piled up while no process took any are one.
_REAP_TURN, _REAP_APART_MS = "eugpt:reaper:turn", 500
_STARTED_OVER = "_EUGPT_STARTED_OVER"


@shared_task
def run_generation(generation_id: str) -> None:
    """Run whichever generation waits longest. The id tells in logs why the task was sent."""
    generation_run(worker=worker())


@shared_task
def reap_generations() -> None:
    """Put generations of lost workers back into the queue, and stop those of suspended users."""
    if not redis_client().set(_REAP_TURN, 1, nx=True, px=_REAP_APART_MS):
        return
    generations_stop_suspended()
    if reaped := generations_reap():
        logger.warning("%d lost generations were taken care of", reaped)


@worker_ready.connect
def _load_model(sender: Any, **kwargs: Any) -> None:
    """Load the model when a generate worker starts, not when the first person asks."""
    if QUEUE not in sender.app.amqp.queues.consume_from:
        return
    try:
        worker(_agree_with_others)
    except Exception as error:
        # Without a model it would take prompts and fail them all.
        logger.critical("this worker cannot serve: %s", error)
        raise WorkerShutdown(1) from error


def _agree_with_others(serving: ServingEngine) -> None:
    """Where loops were compiled, run this command again in this process' place, once.

    A reply that another worker continues or repeats would get other words. Where numba has no place
    for its cache, all workers compile, and they agree as well.
    """
    if not serving.has_compiled:
        return
    if os.environ.get(_STARTED_OVER):
        logger.warning("numba keeps nothing here: each start of a worker compiles its loops")
        return
    logger.info("the engine's loops are compiled now; this worker starts over and loads them")
    os.environ[_STARTED_OVER] = "1"
    os.execv(sys.executable, sys.orig_argv)


@worker_shutdown.connect
def _stop_worker(**kwargs: Any) -> None:
    worker_stop()
