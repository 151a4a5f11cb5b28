"""One reply as a person sees it: its words, its waits, and every fault. Knows no Locust.

The checks are those of the torture run (`deploy.torture.answers`): a gap in seq, a lost, doubled or
reordered token, a text that is not the sum of its tokens, a cursor that goes back.
"""

from __future__ import annotations

import math
import random
import secrets
from itertools import pairwise
from typing import Any

from deploy.torture.answers import Answer
from deploy.torture.prompts import TEXTS, Prompt, Question, Turns

# Codes that say "not now": they must come with a time, which is obeyed.
TURNED_AWAY = frozenset(
    {"rate_limited", "too_many_replies", "quota_exceeded", "queue_full", "model_unavailable",
     "unavailable"}
)  # fmt: skip
_SHORTEST, _LENGTHS = 24, (40, 80, 120)


class Reply(Answer):
    """What came for one prompt. Feed it with `take`, then read times and `faults`."""

    def __init__(self, prompt: Prompt, transport: str) -> None:
        super().__init__(prompt, client="", transport=transport)
        self.tokens = 0
        self.resumes = 0

    def take(self, kind: str, event_id: str, data: dict[str, Any], now: float) -> None:
        super().take(kind, event_id, data, now)
        if kind == "done":
            self.tokens = data["usage"]["completion_tokens"]

    @property
    def ttft_ms(self) -> float | None:
        """From sending the prompt to its first word."""
        has_words = len(self.words) > (1 if self.is_over else 0)
        return (self.words[0] - self.sent[0]) * 1e3 if has_words and self.sent else None

    @property
    def gap_p95_ms(self) -> float | None:
        """The gap that 95 % of this reply's gaps between messages stay below (nearest rank).

        None where the line was lost: its longest gap was the person's.
        """
        if self.resumes:
            return None
        words = self.words[:-1] if self.is_over else self.words
        gaps = sorted(b - a for a, b in pairwise(words))
        return gaps[math.ceil(0.95 * len(gaps)) - 1] * 1e3 if gaps else None

    @property
    def whole_ms(self) -> float | None:
        return (self.ended - self.sent[0]) * 1e3 if self.ended and self.sent else None

    def wrong(self, *finish_reasons: str) -> str:
        """Everything that makes it a failure, "" when it is as it must be.

        A safety rule may take a reply's words back: then they are not the text of its end.
        """
        if self.finish_reason == "filtered" and self.end == "done":
            finish_reasons = ("filtered",)
            del self.faults["text_differs"]
        found = [f"{count} {name}" for name, count in sorted(self.faults.items())]
        if self.end == "error":
            found.append(f"error {self.code}")
        elif self.end != "done":
            found.append("no end")
        elif self.finish_reason not in finish_reasons:
            found.append(f"finish_reason {self.finish_reason}")
        return ", ".join(found)


def refusal_s(body: dict[str, Any], retry_after: str = "") -> float | None:
    """Seconds that a refusal asks for; None when it is no such refusal or names no time."""
    code = body.get("code")
    seconds = body.get("retry_after", retry_after)
    if code not in TURNED_AWAY or seconds in ("", None):
        return None
    return max(float(seconds), 0.1)


class Talk:
    """What one person says: questions, now and then a new conversation."""

    def __init__(self, rng: random.Random) -> None:
        lines = TEXTS.read_text(encoding="utf-8").splitlines()
        self._texts = [line for line in lines if line]
        self._rng = rng
        self._left = 0
        self.turns: Turns = ()
        self.conversation: int | None = None

    def next(self) -> Prompt:
        if not self._left:
            self._left = self._rng.choice([1, 2, 3, 4])
            self.turns, self.conversation = (), None
        self._left -= 1
        params = {"min_tokens": _SHORTEST, "max_tokens": self._rng.choice(_LENGTHS)}
        question = Question(self._rng.choice(self._texts), params)
        return Prompt(secrets.token_hex(8), question, self.turns, self.conversation)

    def heard(self, reply: Reply) -> None:
        """A conversation goes on after a reply; after anything else a new one begins."""
        text = reply.done_text.strip()
        if reply.end != "done" or not text:
            self._left = 0
            return
        turns = ("user", reply.prompt.question.text), ("assistant", reply.done_text)
        self.turns = (*self.turns, *turns)
        self.conversation = reply.conversation
