"""A generation as spans, told once by the worker that ended it, from what it measured anyway."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from accounts.spans import Told, span_tell
from chat.models import Generation


def generation_trace(generation: Generation, written_at: datetime) -> None:
    """Waiting in the queue, reading the prompt, writing, and publishing its end (just now).

    `written_at` is when the engine's last word was there, by this process's clock; the row's times
    are by the database's. An attempt that was lost tells nothing:
    its time is in the wait of the one that ended.
    """
    g = generation
    if not g.traceparent or g.started_at is None:
        return
    written, now = written_at + g.clock, timezone.now() + g.clock
    first = g.first_token_at or written
    facts = {
        "attempt": g.attempt,
        "finish_reason": str(g.finish_reason),
        "error_code": g.error_code or None,
        "model": g.model or None,
        "prompt_tokens": g.prompt_tokens,
        "completion_tokens": g.completion_tokens,
    }
    parts = [
        Told("queue wait", g.queued_at, g.started_at),
        Told("prefill", g.started_at, first),
        Told("decode", first, written),
        Told("publish", written, now),
    ]
    span_tell(g.traceparent, Told("generation", g.queued_at, now, facts, parts))
