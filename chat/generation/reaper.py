"""Finds generations that nobody works on and puts them back into the queue."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.db.models import Max
from django.utils import timezone

from accounts.store import redis_client
from chat.generation import recovery
from chat.generation.workers import workers_alive
from chat.models import Generation, Status

logger = logging.getLogger(__name__)

QUEUE = "generate"
# A claim is a moment older than the worker's next sign of life, which names what it holds.
_CLAIM_GRACE = timedelta(seconds=6)
_QUEUE_GRACE = timedelta(seconds=10)
_AGAIN_PREFIX, _AGAIN_S = "eugpt:again:", 30
_BATCH = 200


def generations_reap() -> int:
    """Requeue what is lost, fail what was lost too often; returns how many. Safe to run twice."""
    return _reap_running() + _reap_queued()


def _reap_running() -> int:
    """Running rows whose worker is gone, or lives and does not know them.

    Rows are read first: a worker signs before it claims, so whoever is missing from the later
    list is dead.
    """
    rows = list(Generation.objects.filter(status=Status.RUNNING).order_by("started_at")[:_BATCH])
    alive = workers_alive() if rows else {}
    reaped = 0
    for generation in rows:
        holder = alive.get(generation.worker_id)
        is_held = holder is not None and f"{generation.pk}:{generation.attempt}" in holder.running
        if is_held or (holder is not None and not _is_old(generation)):
            continue
        try:
            reaped += recovery.generation_recover(generation=generation)
        except Exception:  # one bad row must not keep the others waiting
            logger.exception("generation %s could not be recovered", generation.pk)
    return reaped


def _is_old(generation: Generation) -> bool:
    return (generation.started_at or generation.queued_at) < timezone.now() - _CLAIM_GRACE


def _reap_queued() -> int:
    """Queued rows whose task the broker has lost: it holds none, or later rows went first.

    A second task for a row that is about to be claimed is harmless: one claim wins. Each row is
    sent again at most every `_AGAIN_S`.
    """
    from chat.tasks import run_generation

    waiting = Generation.objects.filter(
        status=Status.QUEUED, queued_at__lt=timezone.now() - _QUEUE_GRACE
    )
    client: Any = redis_client()
    if client.llen(QUEUE):
        claimed = Generation.objects.filter(started_at__isnull=False, attempt=1)
        newest = claimed.aggregate(t=Max("queued_at"))["t"]
        waiting = waiting.filter(queued_at__lt=newest - _QUEUE_GRACE) if newest else waiting.none()
    reaped = 0
    for pk in waiting.order_by("queued_at").values_list("pk", flat=True)[:_BATCH]:
        if client.set(f"{_AGAIN_PREFIX}{pk}", "1", nx=True, ex=_AGAIN_S):
            run_generation.delay(str(pk))
            reaped += 1
    return reaped
