"""What becomes of a generation whose worker cannot go on: another attempt, or a clear end."""

from __future__ import annotations

import logging

from chat.delivery import streams
from chat.delivery.endings import end_event, ended_say, started_event
from chat.delivery.streams import Written
from chat.generation.lifecycle import (
    MAX_ATTEMPTS,
    Outcome,
    generation_finish,
    generation_requeue,
)
from chat.generation.patience import OUTAGES
from chat.generation.screening import outcome_judge, rules_hit
from chat.generation.traces import trace_pack
from chat.models import FinishReason, Generation, Message, Status

logger = logging.getLogger(__name__)


def generation_recover(*, generation: Generation, reason: str = "worker_lost") -> bool:
    """Queue it again, or fail it after the last attempt; False when the claim was lost.

    `reason` tells the log why its worker cannot go on.
    """
    if generation.attempt >= MAX_ATTEMPTS:
        return generation_fail(generation=generation, code="worker_lost")
    if not generation_requeue(generation=generation):
        return False
    logger.warning(
        "generation %s lost its worker; queued again",
        generation.pk,
        extra={"facts": {"reason": reason, "attempt": generation.attempt}},
    )
    send_task(str(generation.pk))
    return True


def generation_fail(*, generation: Generation, code: str) -> bool:
    """End it with an error, keeping the words there are; False when the claim was lost."""
    written = streams.read_written(str(generation.pk))
    # By the row: `generation` may be older than the message, or outlive it.
    texts = Message.objects.filter(generation=generation.pk).values_list("content", flat=True)
    saved = texts.first() or ""
    is_whole = len(written.text) >= len(saved)  # else Redis has lost what a snapshot has
    is_traced = is_whole and len(written.logprobs) == len(written.token_ids)
    outcome = Outcome(
        Status.FAILED, FinishReason.ERROR, error_code=code,
        text=written.text if is_whole else saved,
        completion_tokens=len(written.token_ids) - _begun_tokens(generation, written),
        trace=trace_pack(written.logprobs) if is_traced else [],
    )  # fmt: skip
    outcome, verdict = outcome_judge(outcome)
    if not generation_finish(generation=generation, outcome=outcome):
        return False
    kind, data = end_event(generation, outcome.text)
    if outcome.finish_reason == FinishReason.FILTERED:
        streams.end_anew(str(generation.pk), started_event(generation), data)
    else:
        streams.end_unclaimed(str(generation.pk), kind, data)
    rules_hit(verdict.rules)
    logger.error("generation %s failed: %s", generation.pk, code)
    ended_say(generation)
    return True


def _begun_tokens(generation: Generation, written: Written) -> int:
    """How many ids of a continuation are those of the reply it goes on with: its first words."""
    if generation.begun_tokens:
        return min(generation.begun_tokens, len(written.token_ids))
    words = [entry for entry in written.entries if entry.type == "token"]
    if generation.continues_id is None or not words:
        return 0
    return len(words[0].ids.split(","))


def send_task(generation_id: str) -> None:
    """Tell the workers that one waits. If the broker is away, the reaper will tell them."""
    from chat.tasks import run_generation

    try:
        run_generation.delay(generation_id)
    except OUTAGES as error:
        logger.warning("no task for %s: %s", generation_id, error)
