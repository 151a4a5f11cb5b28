"""Who writes the replies: the workers that are alive, as they say it themselves every second."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import Count
from django.utils import timezone
from django.utils.timesince import timesince

from chat.generation.workers import WorkerState
from chat.models import UNFINISHED, Generation, Status
from moderation.charts import meter
from moderation.dashboard import workers_known


def worker_page() -> dict[str, Any]:
    """What `moderation/workers.html` shows."""
    workers = workers_known()
    counts = dict(
        Generation.objects.filter(status__in=UNFINISHED).values_list("status").annotate(Count("pk"))
    )
    return {
        "is_known": workers is not None,
        "workers": [_described(worker) for worker in workers or ()],
        "queued": counts.get(Status.QUEUED, 0),
        "running": counts.get(Status.RUNNING, 0),
        "slots": sum(worker.slots for worker in workers or ()),
        "at": timezone.now(),
    }


def _described(worker: WorkerState) -> dict[str, Any]:
    """A worker of an earlier version, while one is replaced by the other, says less."""
    used = len(worker.running)
    return {
        "name": worker.host or worker.id,
        "state": worker,
        "used": used,
        "meter": meter(used, worker.slots, f"{used} of {worker.slots} slots in use"),
        "since": _since(worker.started_at),
    }


def _since(started_at: float) -> str:
    return timesince(datetime.fromtimestamp(started_at, UTC)) if started_at else ""
