"""Finds generations that nobody works on and puts them back into the queue."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.request_ids import working_for
from accounts.store import redis_client
from accounts.work import working_on
from chat.delivery import streams
from chat.delivery.endings import end_event, ended_say
from chat.generation import recovery
from chat.generation.lifecycle import generation_expire_queued, generation_is_locked
from chat.generation.suspects import suspects_confirm
from chat.generation.workers import WorkerState, workers_alive
from chat.models import Generation, Status

logger = logging.getLogger(__name__)

QUEUE = "generate"
QUEUE_LIFE = timedelta(minutes=10)
# Right after a start of Redis the living have not signed yet.
SETTLE_S = 5
# For as long a sign of life may be older than a claim or a task that it does not name.
STALE_S = 3.5
_BATCH = 200


def generations_reap() -> int:
    """Queue again what is lost, end what waited or was lost too often; returns how many.

    Safe to run twice, at any time, in any process. Rows are read before the workers: a worker
    signs before it claims, so whoever is missing from the later list is dead.
    """
    running = list(Generation.objects.filter(status=Status.RUNNING).order_by("started_at")[:_BATCH])
    expired = _expire_queued()
    waiting = Generation.objects.filter(status=Status.QUEUED).count()
    if not running and not waiting:
        return expired
    alive = workers_alive()
    lost, odd = _lost(running, alive)
    missing = {f"task {n}" for n in range(waiting - _tasks(alive))}
    confirmed = suspects_confirm(set(odd) | missing, after_s=STALE_S)
    lost += [odd[name] for name in odd if name in confirmed]
    sent = _send_tasks(len(confirmed & missing))
    return expired + sent + sum(map(_recover, lost))


def _lost(
    running: list[Generation], alive: dict[str, WorkerState]
) -> tuple[list[Generation], dict[str, Generation]]:
    """Those whose worker is dead, and by attempt those whose worker does not name them."""
    dead, odd = [], {}
    for generation in running:
        holder = alive.get(generation.worker_id)
        attempt = f"{generation.pk}:{generation.attempt}"
        if holder is None:
            dead.append(generation)
        elif attempt not in holder.running:
            odd[attempt] = generation
    if dead and not _is_settled():
        dead = []
    return dead, odd


def _is_settled() -> bool:
    info: Any = redis_client().info("server")
    return bool(info["uptime_in_seconds"] >= SETTLE_S)


def _recover(generation: Generation) -> bool:
    with working_for(generation.request_id), working_on(generation.pk, generation.conversation_id):
        try:
            if generation_is_locked(generation=generation):
                logger.warning("generation %s is locked: left to the next look", generation.pk)
                return False
            return recovery.generation_recover(generation=generation)
        except Exception:  # one bad row must not keep the others waiting
            logger.exception("generation %s could not be recovered", generation.pk)
            return False


def _tasks(alive: dict[str, WorkerState]) -> int:
    """How many tasks wait, in the broker and in workers that have fetched them."""
    client: Any = redis_client()
    return int(client.llen(QUEUE)) + sum(worker.waiting for worker in alive.values())


def _send_tasks(count: int) -> int:
    """Send tasks in place of lost ones: any task makes a worker claim whoever waits longest.

    One too many finds nothing to claim.
    """
    rows = Generation.objects.filter(status=Status.QUEUED).order_by("queued_at")
    for pk in rows.values_list("pk", flat=True)[:count]:
        recovery.send_task(str(pk))
    return count


def _expire_queued() -> int:
    """End what has waited for so long that nobody waits for it any more."""
    rows = Generation.objects.filter(
        status=Status.QUEUED, queued_at__lt=timezone.now() - QUEUE_LIFE
    )
    expired = 0
    for generation in rows[:_BATCH]:
        if generation_expire_queued(generation_id=generation.pk):
            generation.refresh_from_db()
            streams.end_unclaimed(str(generation.pk), *end_event(generation, ""))
            ended_say(generation)
            expired += 1
    return expired
