"""Finds generations that nobody works on and puts them back into the queue."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.store import redis_client
from chat.delivery import streams
from chat.delivery.endings import end_event
from chat.generation.lifecycle import (
    MAX_ATTEMPTS,
    Outcome,
    generation_finish,
    generation_requeue,
)
from chat.generation.workers import workers_alive
from chat.models import FinishReason, Generation, Status

logger = logging.getLogger(__name__)

QUEUE = "generate"
# A claim is a moment older than the worker's next sign of life, which names what it holds.
_CLAIM_GRACE = timedelta(seconds=6)
_QUEUE_GRACE = timedelta(seconds=10)
_BATCH = 200


def generations_reap() -> int:
    """Requeue what is lost, fail what was lost too often; returns how many. Safe to run twice."""
    return _reap_running() + _reap_queued()


def _reap_running() -> int:
    """Running rows whose worker is gone, or lives and does not know them."""
    alive = workers_alive()
    reaped = 0
    rows = Generation.objects.filter(status=Status.RUNNING).order_by("started_at")[:_BATCH]
    for generation in rows:
        holder = alive.get(generation.worker_id)
        if holder is not None and str(generation.pk) in holder.running:
            continue
        if holder is not None and not _is_old(generation):
            continue
        reaped += _recover(generation)
    return reaped


def _is_old(generation: Generation) -> bool:
    return (generation.started_at or generation.queued_at) < timezone.now() - _CLAIM_GRACE


def _recover(generation: Generation) -> bool:
    from chat.tasks import run_generation

    if generation.attempt < MAX_ATTEMPTS:
        if not generation_requeue(generation=generation):
            return False
        logger.warning("generation %s lost its worker; queued again", generation.pk)
        run_generation.delay(str(generation.pk))
        return True
    return _fail(generation)


def _fail(generation: Generation) -> bool:
    written = streams.read_written(str(generation.pk))
    outcome = Outcome(
        Status.FAILED, FinishReason.ERROR, error_code="worker_lost", text=written.text,
        completion_tokens=len(written.token_ids),
    )  # fmt: skip
    if not generation_finish(generation=generation, outcome=outcome):
        return False
    generation.refresh_from_db()
    streams.end_unclaimed(str(generation.pk), *end_event(generation, written.text))
    logger.error("generation %s failed: its workers were lost", generation.pk)
    return True


def _reap_queued() -> int:
    """Queued rows that wait although the broker holds no task: the broker has lost them.

    A second task for a row that is about to be claimed is harmless: one claim wins.
    """
    from chat.tasks import run_generation

    length: Any = redis_client().llen(QUEUE)
    if length:
        return 0
    old = Generation.objects.filter(
        status=Status.QUEUED, queued_at__lt=timezone.now() - _QUEUE_GRACE
    )
    ids = list(old.order_by("queued_at").values_list("pk", flat=True)[:_BATCH])
    for generation_id in ids:
        run_generation.delay(str(generation_id))
    return len(ids)
