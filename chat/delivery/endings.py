"""What a `done` or `error` event says, from a finished row and its text."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from accounts.request_ids import working_for
from accounts.work import say, working_on
from chat.models import Generation, Status

logger = logging.getLogger(__name__)

ERROR_DETAILS = {
    "worker_lost": "The worker was lost too often while writing this reply. Please try again.",
    "input_expired": "This prompt waited too long. Please send it again.",
    "prompt_too_long": "This message is too long for the model.",
    "deadline_exceeded": "The reply took too long and was ended.",
    "model_unavailable": "Another model wrote the beginning. Please try again.",
    "engine_dead": "The model has stopped. Please try again in a moment.",
    "engine_full": "EuGPT is busy. Please try again in a moment.",
}
_INTERNAL = "Something went wrong on our side."


def end_event(generation: Generation, text: str) -> tuple[str, dict[str, Any]]:
    """Type and data of the end entry of a finished generation."""
    if generation.status == Status.FAILED:
        code = generation.error_code or "internal"
        return "error", {"code": code, "detail": ERROR_DETAILS.get(code, _INTERNAL)}
    return "done", {
        "text": text,
        "finish_reason": generation.finish_reason,
        "notice": generation.notice,
        "usage": {
            "prompt_tokens": generation.prompt_tokens,
            "completion_tokens": generation.completion_tokens,
            "total_tokens": generation.prompt_tokens + generation.completion_tokens,
        },
        "timings": timings(generation),
    }


def started_event(generation: Generation) -> dict[str, Any]:
    """The data of a `started` entry."""
    return {
        "model": generation.model,
        "context_trimmed": generation.context_trimmed,
        "seed": generation.params["seed"],
        "request_id": generation.request_id,
    }


def ended_say(generation: Generation) -> None:
    """The one line of the log about an end, from a finished row; wherever it was ended."""
    with working_for(generation.request_id), working_on(generation.pk, generation.conversation_id):
        say(
            logger,
            "generation ended",
            status=str(generation.status),
            finish_reason=str(generation.finish_reason),
            error_code=generation.error_code or None,
            attempt=generation.attempt,
            model=generation.model or None,
            prompt_tokens=generation.prompt_tokens,
            completion_tokens=generation.completion_tokens,
            **timings(generation),
        )


def timings(generation: Generation) -> dict[str, float | None]:
    """Seconds: waiting in the queue, to the first token, in all; and the pace after the first."""
    g = generation
    writing = _between(g.first_token_at, g.finished_at)
    pace = None
    if writing and g.completion_tokens > 1:
        pace = round((g.completion_tokens - 1) / writing, 1)
    return {
        "queued_s": _between(g.queued_at, g.started_at),
        "ttft_s": _between(g.queued_at, g.first_token_at),
        "total_s": _between(g.queued_at, g.finished_at),
        "tokens_per_s": pace,
    }


def _between(start: datetime | None, end: datetime | None) -> float | None:
    if start is None or end is None:
        return None
    return round((end - start).total_seconds(), 3)
