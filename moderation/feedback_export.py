"""Feedback as JSON lines for training: of users who agreed to it, with names masked.

One line is {turns, rating, comment, model, params, seed}: `turns` is what was asked and answered,
oldest first, the rated reply last, as `training` reads it (`training.data_formats`, "jsonl"; the
rest is kept beside it). It is JSON: a spreadsheet that opens it as text runs no formula of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from chat.generation.history import reply_turns
from chat.models import UNFINISHED, Feedback, FinishReason, Generation
from moderation.masking import Masker

LINES_MAX = 50_000
_ROWS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class FeedbackExport:
    """What goes out, and what was left out and why."""

    rows: QuerySet[Feedback]
    exported: int
    without_consent: int
    hidden: int
    beyond_limit: int

    def to_dict(self) -> dict[str, int]:
        names = ("exported", "without_consent", "hidden", "beyond_limit")
        return {name: getattr(self, name) for name in names}


def feedback_export(rows: QuerySet[Feedback], limit: int = LINES_MAX) -> FeedbackExport:
    """Choose: consent, and a reply that is whole, hidden from nobody and in no conversation in
    which a safety rule has answered. Three queries.
    """
    agreed = rows.filter(user__may_train=True)
    shown = agreed.filter(message__hidden_at=None, message__conversation__hidden_at=None)
    whole = shown.exclude(message__content="").exclude(message__generation__status__in=UNFINISHED)
    answered = Generation.objects.filter(
        conversation=OuterRef("message__conversation"), finish_reason=FinishReason.FILTERED
    )
    whole = whole.exclude(Exists(answered))
    total, with_consent, left = rows.count(), agreed.count(), whole.count()
    return FeedbackExport(
        rows=whole.order_by("pk"),
        exported=min(left, limit),
        without_consent=total - with_consent,
        hidden=with_consent - left,
        beyond_limit=max(0, left - limit),
    )


def feedback_lines(export: FeedbackExport) -> Iterator[str]:
    """The lines, read in parts: as many in memory as one."""
    rows = export.rows.select_related("message__generation", "message__conversation", "user")
    for number, feedback in enumerate(rows.iterator(_ROWS_AT_ONCE)):
        if number >= export.exported:
            return
        yield json.dumps(_line(feedback), ensure_ascii=False, separators=(",", ":")) + "\n"


def _line(feedback: Feedback) -> dict[str, Any]:
    message = feedback.message
    turns: list[tuple[str, str]] = [(turn.role, turn.content) for turn in reply_turns(message.pk)]
    turns.append((message.role, message.content))
    masker = Masker((text for _, text in turns), [feedback.user.username])
    generation = getattr(message, "generation", None)
    params = dict(generation.params) if generation is not None else {}
    params["stop"] = [masker.mask(text) for text in params.get("stop", [])]
    return {
        "turns": [{"role": role, "content": masker.mask(text)} for role, text in turns],
        "rating": feedback.rating,
        "comment": masker.mask(feedback.comment),
        "model": generation.model if generation is not None else "",
        "seed": params.pop("seed", None),
        "params": params,
    }
