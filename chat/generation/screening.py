"""What safety rules do to a prompt that is submitted and to a reply that has ended.

The words of a prompt are judged before anything is written, those of a reply while it is written
(`delivery.reply`) and once more as a whole here, whoever ends it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from django.db import Error, transaction
from django.db.models import F
from django.utils import timezone

from chat.errors import Refused
from chat.generation.lifecycle import Outcome
from chat.models import FinishReason, Generation, Message, Report, ReportReason, SafetyRule, Status
from chat.safety.models import Action, Category
from chat.safety.rules import Rule, Verdict, Where, judge
from inference.public import Turn

logger = logging.getLogger(__name__)

_EARLIER = "An earlier message of this chat cannot be answered here. Please begin a new chat."
_REASONS = {
    Category.HATE: ReportReason.HATEFUL,
    Category.SEXUAL: ReportReason.SEXUAL,
    Category.PRIVATE: ReportReason.PRIVATE,
    Category.OTHER: ReportReason.OTHER,
}


def prompt_judge(text: str, turns: Sequence[Turn] = ()) -> Verdict:
    """What becomes of a prompt; counts the rules that are found. Raises Refused.

    Of `turns` that come along, what the user says in them is judged, too, for what is refused:
    nobody got that far here by saying so.
    """
    verdict = judge(text, Where.PROMPT)
    rules_hit(verdict.rules)
    _check_taken(verdict)
    for turn in turns:
        if turn.role == "user":
            _check_taken(judge(turn.content, Where.PROMPT), _EARLIER, earlier=True)
    return verdict


def _check_taken(said: Verdict, detail: str | None = None, **more: bool) -> None:
    if said.deciding is not None and said.action == Action.REFUSE:
        notice = said.deciding.told
        raise Refused(detail, category=notice["category"], notice=notice["text"], **more)


def generation_filter(generation: Generation, rule: Rule) -> None:
    """Complete before it began, with the rule's text for a reply; not saved yet."""
    now = timezone.now()
    generation.status, generation.finish_reason = Status.COMPLETED, FinishReason.FILTERED
    generation.queued_at = generation.started_at = generation.finished_at = now
    generation.notice = rule.told
    generation.begun_tokens, generation.has_trace, generation.continues = 0, False, None


def outcome_judge(outcome: Outcome, stopped_by: Rule | None = None) -> tuple[Outcome, Verdict]:
    """The outcome as it may be stored and told: the safe text where a rule holds the words back."""
    verdict = judge(outcome.text, Where.REPLY)
    rule = stopped_by or verdict.deciding
    if rule is None:
        return outcome, verdict
    filtered = replace(
        outcome, status=Status.COMPLETED, finish_reason=FinishReason.FILTERED, error_code="",
        text=rule.safe_text, trace=[], notice=rule.told,
    )  # fmt: skip
    return filtered, verdict


def rules_hit(rules: Sequence[Rule]) -> None:
    """Count that they were found. A count that is lost is no reason to fail."""
    if not rules:
        return
    try:
        with transaction.atomic():
            rows = SafetyRule.objects.filter(pk__in=[rule.id for rule in rules])
            rows.update(hits=F("hits") + 1, last_hit_at=timezone.now())
    except Error:
        logger.warning("hits of safety rules were not counted", exc_info=True)


def message_flag(*, message: Message | None, author_id: int | None, rules: Sequence[Rule]) -> None:
    """Put a stored message into the queue of reports. Of guests nothing is stored.

    After the commit of what was written: a rule that was deleted meanwhile must not undo it.
    """
    if message is None or not rules:
        return
    reports = [
        Report(
            message=message, rule_id=rule.id, author_id=author_id, text=message.content,
            reason=_REASONS.get(Category(rule.category), ReportReason.HARMFUL),
        )
        for rule in rules
    ]  # fmt: skip
    try:
        with transaction.atomic():
            Report.objects.bulk_create(reports, ignore_conflicts=True)
    except Error:
        logger.warning("message %s was not flagged", message.pk, exc_info=True)
