"""Where a waiting generation stands, and how long that may take."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.conf import settings
from django.db.models import Avg, F

from chat.models import Generation, Status

_RECENT = 20
_DEFAULT_REPLY_S = 2.0


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """position counts from 1; eta_s is an estimate from the measured pace."""

    position: int
    eta_s: float

    def to_dict(self) -> dict[str, float]:
        return asdict(self)


def queue_place(generation: Generation) -> QueuePlace:
    """The place of a queued generation; two short queries."""
    return place_after(
        Generation.objects.filter(status=Status.QUEUED, queued_at__lt=generation.queued_at).count()
    )


def place_after(ahead: int) -> QueuePlace:
    """The place behind `ahead` others."""
    return QueuePlace(ahead + 1, round((ahead + 1) * queue_pace(), 1))


def queue_pace() -> float:
    """Seconds for the line to move by one: a recent reply's time, shared by the slots."""
    recent = (
        Generation.objects.filter(status=Status.COMPLETED, started_at__isnull=False)
        .order_by("-queued_at")
        .values("started_at", "finished_at")[:_RECENT]
    )
    average = recent.aggregate(t=Avg(F("finished_at") - F("started_at")))["t"]
    seconds = average.total_seconds() if average else _DEFAULT_REPLY_S
    return float(seconds / settings.SLOTS)
