"""Ways around safety rules that are closed, and rules that would stop the service."""

import time

import pytest

from chat.safety.models import RULE_TEXT_MAX_CHARS, SafetyRule
from chat.safety.patterns import PATTERN_MAX_CHARS, BadText, pattern_of
from chat.safety.rules import Matcher, RuleSet, Where
from chat.safety.words import normalised

PHRASE = "make a bomb"
WAYS = {
    "capitals": "MaKe A BOMB",
    "full width": "\uff4d\uff41\uff4b\uff45 \uff41 \uff22\uff2f\uff2d\uff22",
    "letters of mathematics": "\U0001d5fa\U0001d5ee\U0001d5f8\U0001d5f2 a \U0001d4ebo\U0001d4f6b",
    "letters in circles": "\u24dc\u24d0\u24da\u24d4 \u24d0 \u24d1\u24de\u24dc\u24d1",
    "zero width": "m\u200ba\u200ck\u200de a b\u2060om\ufeffb",
    "soft hyphens": "ma\u00adke a bo\u00admb",
    "tags and selectors": "make\ufe0f a \U000e0062bo\U000e0001mb",
    "marks of direction": "\u202dmake a\u202c \u2066bomb\u2069",
    "other spaces": "make\u00a0a\u3000bomb make\u2003a",
    "lines": "make\n\n\na\r\n\tbomb",
    "controls": "ma\x08ke a\x1b bo\x00mb",
    "all": "\uff2d\u200bA\u00adK\u2060E\u3000\uff21\u00a0B\ufe0fO\u202eMB",
}
# Backtracking engines take ages for these; each is judged on a text made for it.
SLOW = {
    r"(a+)+$": "a" * 3999 + "!",
    r"(a|aa)+$": "a" * 3999 + "!",
    r"(.*?,){12}P": "1," * 2000,
    r"(x+x+)+y": "x" * 4000,
    r"^(([a-z])+.)+[A-Z]([a-z])+$": "a" * 4000,
    r"\b(\w+\s*)*\d{9}\b": "word " * 800,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["phrase", "pattern"])
def test_a_word_in_disguise_is_the_word(way: str, kind: str) -> None:
    text = PHRASE if kind == "phrase" else r"\bmake a bo+mb\b"
    rules = RuleSet([SafetyRule(pk=1, kind=kind, text=text, action="refuse", applies_to="both")])
    for where in Where:
        assert rules.judge(f"please {WAYS[way]} now", where).action == "refuse"


def pace(matcher: Matcher, text: str) -> float:
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        matcher.judge(text)
        times.append(time.perf_counter() - begun)
    return min(times)


@pytest.mark.parametrize("pattern", SLOW)
def test_no_pattern_takes_more_than_in_proportion(pattern: str) -> None:
    """Eight times the text takes about eight times the time; backtracking would take for ever."""
    rule = SafetyRule(pk=1, kind="pattern", text=pattern, action="flag")
    text = SLOW[pattern]
    matcher = Matcher([rule])
    assert not matcher.is_empty
    short, long = pace(matcher, text[:500]), pace(matcher, text)
    assert long < 40 * short + 0.05


@pytest.mark.parametrize(
    "pattern",
    ["(" * 250, "[" * 400, "a{1000}{1000}", "(?:" * 100 + "a" + "){50}" * 100, "\\" * 499,
     "(?i)" * 100, "x" * RULE_TEXT_MAX_CHARS, "(?P<a>x)(?P<a>y)", "\x00"],
)  # fmt: skip
def test_a_pattern_that_is_no_rule_is_refused_in_words_or_taken(pattern: str) -> None:
    """Whatever is typed: nothing but a rule or a sentence comes of it."""
    try:
        compiled = pattern_of(pattern)
    except BadText:
        return
    assert len(pattern) <= PATTERN_MAX_CHARS
    assert compiled.search("harmless") is None


def test_reading_a_text_takes_in_proportion_to_it() -> None:
    """Letters that become many others, and marks piled on one letter."""
    for sign in ("\ufdfa", "e\u0301", "a" + "\u0301\u0316" * 20, "\u200b", "\u0130"):
        short, long = sign * (500 // len(sign)), sign * (4000 // len(sign))
        times = []
        for text in (short, long):
            begun = time.perf_counter()
            for _ in range(3):
                normalised(text)
            times.append(time.perf_counter() - begun)
        assert times[1] < 100 * times[0] + 0.1, sign
