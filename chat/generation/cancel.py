"""Stop a reply, wherever it is."""

from __future__ import annotations

import logging

from chat import metrics
from chat.delivery import streams
from chat.delivery.endings import end_event, ended_say
from chat.generation.lifecycle import generation_cancel_queued
from chat.models import UNFINISHED, Generation

logger = logging.getLogger(__name__)

_BATCH = 200


def generation_cancel(*, generation: Generation) -> None:
    """Ask for the end: a queued one ends at once, a running one at the worker's next words.

    What was written stays. A finished one is left as it is.
    """
    if generation.status not in UNFINISHED:
        return
    metrics.CANCELS.inc()
    streams.ask_cancel(str(generation.pk))
    if generation_cancel_queued(generation_id=generation.pk):
        generation.refresh_from_db()
        written = streams.read_written(str(generation.pk))
        streams.end_unclaimed(str(generation.pk), *end_event(generation, written.text))
        ended_say(generation)


def generations_stop_suspended() -> int:
    """Cancel what runs for suspended users: prompts that came at the very moment, or that the
    suspension did not reach. Returns how many; safe to run twice.
    """
    rows = Generation.objects.filter(status__in=UNFINISHED, user__is_active=False)[:_BATCH]
    for generation in rows:
        try:
            generation_cancel(generation=generation)
        except Exception:  # one bad row must not keep the others running, nor the reaper waiting
            logger.exception("%s of a suspended user was not stopped", generation.pk)
    return len(rows)
