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
    told = f"{used} of {worker.slots} slots in use"
    speed = getattr(worker, "tokens_per_s", None)
    return {
        "id": worker.id,
        "host": getattr(worker, "host", "") or worker.id,
        "pid": getattr(worker, "pid", None),
        "model": worker.model,
        "precision": worker.precision,
        "threads": getattr(worker, "threads", None),
        "speed": None if speed is None else round(float(speed), 1),
        "waiting": worker.waiting,
        "used": used,
        "slots": worker.slots,
        "meter": meter(used, worker.slots, told),
        "since": _since(getattr(worker, "started_at", None)),
        "loading": getattr(worker, "loading", None) or "",
        "error": getattr(worker, "checkpoint_error", None) or "",
    }


def _since(started_at: Any) -> str:
    """How long it has been running; it may say when as seconds or as ISO time."""
    if not started_at:
        return ""
    moment = (
        datetime.fromisoformat(started_at)
        if isinstance(started_at, str)
        else datetime.fromtimestamp(float(started_at), UTC)
    )
    return timesince(moment)
