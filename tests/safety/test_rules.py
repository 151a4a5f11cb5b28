"""Which rule decides, what a process keeps, and what a long text costs."""

import time

import pytest
from pytest_django import DjangoAssertNumQueries

from chat.safety import rules
from chat.safety.models import SafetyRule
from chat.safety.rules import Where, judge, rules_known, rules_now
from tests.safety.rules import no_rules, rule_make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _without_rules(db: None) -> None:
    no_rules()


def test_strictest_action_decides_and_all_are_told() -> None:
    rule_make("bad", name="flag", action="flag")
    rule_make("bad", name="replace", action="replace", category="crisis")
    rule_make("bad", name="refuse", action="refuse")
    verdict = judge("that is BAD", Where.PROMPT)
    assert verdict.action == "refuse"
    assert verdict.deciding is not None
    assert [rule.name for rule in verdict.rules] == ["refuse", "replace", "flag"]
    assert [rule.name for rule in verdict.flags] == ["flag"]


def test_help_comes_before_other_rules_of_the_same_action() -> None:
    rule_make("bad", name="other")
    rule_make("bad", name="crisis", category="crisis")
    deciding = judge("bad", Where.REPLY).deciding
    assert deciding is not None
    assert deciding.name == "crisis"


def test_flags_decide_nothing() -> None:
    rule_make("bad", action="flag")
    verdict = judge("bad", Where.PROMPT)
    assert (verdict.action, verdict.deciding) == ("flag", None)


@pytest.mark.parametrize(
    ("applies_to", "prompt", "reply"),
    [("prompts", True, False), ("replies", False, True), ("both", True, True)],
)
def test_rules_hold_where_they_apply(applies_to: str, prompt: bool, reply: bool) -> None:
    rule_make("bad", applies_to=applies_to)
    assert bool(judge("bad", Where.PROMPT).found) is prompt
    assert bool(judge("bad", Where.REPLY).found) is reply


def test_disabled_rules_are_not_in_force() -> None:
    rule_make("bad", is_enabled=False)
    assert not judge("bad", Where.PROMPT).found


def test_row_that_no_longer_compiles_does_not_stop_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rule_make("(", name="broken", kind="pattern")
    rule_make("bad")
    assert judge("bad", Where.PROMPT).found
    assert "is not in force" in caplog.text


def test_rules_are_asked_for_once_in_two_seconds(
    django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = rule_make("bad")
    assert judge("bad", Where.PROMPT).found
    with django_assert_num_queries(0):
        assert judge("bad", Where.PROMPT).found
    SafetyRule.objects.filter(pk=made.pk).update(hits=1)
    monkeypatch.setattr(rules, "CACHE_S", 0.0)
    kept = rules_known()
    with django_assert_num_queries(1):  # nothing has changed: nothing is compiled
        assert rules_now() is kept
    made.text = "worse"
    made.save()
    assert not judge("bad", Where.PROMPT).found
    made.delete()
    assert not judge("worse", Where.PROMPT).found


def test_without_rules_for_replies_there_is_nothing_to_look_for() -> None:
    rule_make("bad", applies_to="prompts")
    rule_make("bad", name="flag", action="flag")
    assert rules_now().stops is None


def test_seeded_rules_are_valid(db: None) -> None:
    from importlib import import_module

    seeds = import_module("chat.migrations.0010_first_rules").RULES
    SafetyRule.objects.bulk_create(SafetyRule(**{**seed, "is_enabled": True}) for seed in seeds)
    rules.rules_forget()
    for text in ("I don\u2019t want to live any more", "ich will sterben", "I am SELF-HARM ing"):
        verdict = judge(text, Where.PROMPT)
        assert verdict.action == "replace", text
        assert verdict.deciding is not None
        assert "findahelpline.com" in verdict.deciding.safe_text
        assert "findahelpline.com" in verdict.deciding.told["text"]
    for text in ("This homework kills me", "I want to diet", "My phone died", "Hello!"):
        assert not judge(text, Where.PROMPT).found, text
    assert judge("Please kill yourself.", Where.REPLY).action == "replace"
    assert judge("my card is 4111 1111 1111 1111", Where.PROMPT).action == "refuse"


def test_large_sets_and_texts_stay_cheap_beside_one_rule_each() -> None:
    """500 patterns are not 500 times one: no absolute time, whatever the machine."""
    text = normalised_text()
    one = rules.Matcher([SafetyRule(pk=1, kind="pattern", action="flag", text=r"\bq\d{4}\b")])
    many = rules.Matcher(
        SafetyRule(pk=n, kind="pattern", action="flag", text=rf"\bq{n}\s+x\d{{4}}\b")
        for n in range(rules.RULES_MAX)
    )
    assert pace(many, text) < 100 * pace(one, text)


def normalised_text() -> str:
    return ("the quick brown fox jumps over the lazy dog " * 100)[:4000]


def pace(matcher: rules.Matcher, text: str) -> float:
    matcher.judge(text)
    times = []
    for _ in range(10):
        begun = time.perf_counter()
        matcher.judge(text)
        times.append(time.perf_counter() - begun)
    return min(times)
