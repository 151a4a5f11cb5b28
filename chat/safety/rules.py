"""The rules in force, compiled, and what they say of a text.

A process keeps them for up to two seconds. Only `rules_now` asks the database: web processes call
it in the thread that submits, workers in the thread of a reply's task. The publisher, which writes
all replies of a worker, takes `rules_known` and waits for nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chat.safety.models import Action, AppliesTo, Category, Kind, SafetyRule
from chat.safety.patterns import BadText, Found, Patterns, Phrases, pattern_of, phrases_of
from chat.safety.words import normalised

logger = logging.getLogger(__name__)

RULES_MAX = 500
CACHE_S = 2.0
# While a reply is written, patterns see so many of its last characters; its end is judged whole.
TAIL_CHARS = 400
_ORDER = {Action.REFUSE: 0, Action.REPLACE: 1, Action.FLAG: 2}
DEFAULT_REPLY = "I cannot answer this."
DEFAULT_NOTICE = "A safety rule of this site holds this back."


class Where(StrEnum):
    PROMPT = "prompts"
    REPLY = "replies"


@dataclass(frozen=True, slots=True)
class Rule:
    """One enabled rule, as far as a verdict needs it."""

    id: int
    name: str
    category: str
    action: str
    reply_text: str
    notice: str

    @classmethod
    def of(cls, row: SafetyRule) -> Rule:
        return cls(row.pk, row.name, row.category, row.action, row.reply_text, row.notice)

    @property
    def safe_text(self) -> str:
        """What stands in the place of a reply."""
        return self.reply_text or DEFAULT_REPLY

    @property
    def told(self) -> dict[str, str]:
        """The notice, as it travels and is stored."""
        return {"category": self.category, "text": self.notice or DEFAULT_NOTICE}

    @property
    def rank(self) -> tuple[int, bool, int]:
        """Which of several decides: the strictest one, then help, then the oldest."""
        return _ORDER[Action(self.action)], self.category != Category.CRISIS, self.id


@dataclass(frozen=True, slots=True)
class Verdict:
    """What rules say of a text: those found, the one that decides first."""

    found: tuple[Found[Rule], ...] = ()

    @property
    def deciding(self) -> Rule | None:
        """The rule that stops the text; None where it may pass."""
        rule = self.found[0].owner if self.found else None
        return None if rule is None or rule.action == Action.FLAG else rule

    @property
    def action(self) -> str:
        """refuse, replace, flag; empty where nothing was found."""
        return self.found[0].owner.action if self.found else ""

    @property
    def rules(self) -> list[Rule]:
        return list({found.owner.id: found.owner for found in self.found}.values())

    @property
    def flags(self) -> list[Rule]:
        return [rule for rule in self.rules if rule.action == Action.FLAG]


class Matcher:
    """Some rules, to be looked for together."""

    def __init__(self, rows: Iterable[SafetyRule]) -> None:
        phrases: list[tuple[str, Rule]] = []
        patterns: list[tuple[Any, Rule]] = []
        for row in rows:
            try:
                if row.kind == Kind.PATTERN:
                    patterns.append((pattern_of(row.text), Rule.of(row)))
                else:
                    phrases += [(phrase, Rule.of(row)) for phrase in phrases_of(row.text)]
            except (
                BadText
            ) as error:  # what was saved is valid; another version may see it otherwise
                logger.error("safety rule %s is not in force: %s", row.pk, error)  # noqa: TRY400
        self._phrases, self._patterns = Phrases(phrases), Patterns(patterns)
        self.is_empty = not phrases and not patterns
        # How much of a text before its newest words must be seen with them.
        self.reach = TAIL_CHARS if patterns else self._phrases.longest + 1

    def find(self, text: str) -> Iterator[Found[Rule]]:
        """All places of phrases and the first one of each pattern in a normalised text."""
        yield from self._phrases.find(text)
        if self._patterns:
            yield from self._patterns.find(text)

    def judge(self, text: str) -> Verdict:
        found = list(self.find(normalised(text))) if not self.is_empty else []
        return Verdict(tuple(sorted(found, key=lambda f: (*f.owner.rank, f.start))))


class RuleSet:
    """All that is enabled, by where it applies; `stops` are those that end a reply."""

    def __init__(self, rows: Sequence[SafetyRule]) -> None:
        prompts = [row for row in rows if row.applies_to != AppliesTo.REPLIES]
        replies = [row for row in rows if row.applies_to != AppliesTo.PROMPTS]
        self._matchers = {Where.PROMPT: Matcher(prompts), Where.REPLY: Matcher(replies)}
        stops = Matcher(row for row in replies if row.action != Action.FLAG)
        self.stops = None if stops.is_empty else stops

    def judge(self, text: str, where: Where) -> Verdict:
        return self._matchers[where].judge(text)


_lock = threading.Lock()
_rules = RuleSet([])
_state: list[Any] | None = None  # ids and times of change
_looked = 0.0  # time.monotonic()


def rules_known() -> RuleSet:
    """The rules as this process saw them last. Waits for nothing."""
    return _rules


def rules_now() -> RuleSet:
    """The rules of at most two seconds ago. One small query, or none; raises what it raises.

    While one thread asks, the others go on with what is known, unless nothing is yet.
    """
    if time.monotonic() - _looked < CACHE_S and _state is not None:
        return _rules
    if not _lock.acquire(blocking=_state is None):
        return _rules
    try:
        _refresh()
    finally:
        _lock.release()
    return _rules


def _refresh() -> None:
    global _rules, _state, _looked
    now = time.monotonic()
    if now - _looked < CACHE_S and _state is not None:  # somebody was quicker
        return
    enabled = SafetyRule.objects.filter(is_enabled=True).order_by("pk")[:RULES_MAX]
    state = list(enabled.values_list("pk", "updated_at"))
    if state != _state:
        _rules = RuleSet(list(enabled))
        _state = state
    _looked = now


def rules_forget() -> None:
    """Know nothing, and ask anew at the next call."""
    global _rules, _state
    _rules, _state = RuleSet([]), None


def judge(text: str, where: Where) -> Verdict:
    """What the rules say of a whole text. Asks the database now and then: not for an event loop."""
    return rules_now().judge(text, where)
