"""What rules read as the same, and what they find in it."""

import pytest

from chat.safety.patterns import (
    PATTERN_MAX_CHARS,
    PHRASE_MAX_CHARS,
    PHRASES_MAX,
    BadText,
    Patterns,
    Phrases,
    pattern_of,
    phrases_of,
)
from chat.safety.words import normalised


@pytest.mark.parametrize(
    "text",
    [
        "kill  MYSELF",
        "\tkill\n\nmyself ",
        "Kill\u00a0Myself",
        "ki\u200bll my\u00adself",
        "k\u2060i\ufefflll myself".replace("lll", "ll"),
        "\uff4b\uff49\uff4c\uff4c \uff4d\uff59\uff53\uff45\uff4c\uff46",
        "\U0001d424\U0001d422\U0001d425\U0001d425 myself",
        "ki\x08ll myself",
    ],
)
def test_normalised_undoes_what_people_do_not_see(text: str) -> None:
    assert normalised(text) == "kill myself"


def test_normalised_has_plain_apostrophes_hyphens_and_small_letters() -> None:
    assert normalised("Don\u2019t self\u2011harm STRASSE stra\u00dfe \u00c9 E\u0301") == (
        "don't self-harm strasse strasse \u00e9 \u00e9"
    )


def test_normalised_does_not_chase_letters_that_look_alike() -> None:
    assert normalised("k1ll m\u0443self") != "kill myself"


def found(phrase: str, text: str) -> list[tuple[int, int]]:
    phrases = Phrases([(phrase, 0) for phrase in phrases_of(phrase)])
    return [(start, end) for _, start, end in phrases.find(normalised(text))]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("I will kill myself.", 1),
        ("_kill myself_ (kill myself)", 2),
        ("skill myself", 0),
        ("kill myselfish", 0),
        ("kill, myself", 0),
        ("killmyself", 0),
        ("kill myself", 1),
    ],
)
def test_phrases_are_whole_words(text: str, count: int) -> None:
    assert len(found("Kill  myself", text)) == count


def test_phrases_may_begin_and_end_with_signs() -> None:
    assert found("C++", "I write c++ and c") == [(8, 11)]
    assert found("#bad", "so #bad!") == [(3, 7)]


def test_phrases_respect_marks_of_scripts() -> None:
    assert found("मर", "मरा मर") == [(4, 6)]


@pytest.mark.parametrize(
    "text",
    ["", " \n ", "!!!", "x" * (PHRASE_MAX_CHARS + 1), "\n".join(map(str, range(PHRASES_MAX + 1)))],
)
def test_phrases_that_are_no_rule_are_refused(text: str) -> None:
    with pytest.raises(BadText):
        phrases_of(text)


@pytest.mark.parametrize(
    "text",
    ["", "(", "a*", "x" * (PATTERN_MAX_CHARS + 1), r"(?=a)", r"(a)\1", r"\p{L}{1,200}",
     r"(\pL{100}){10}", "(x{1000}){1000}"],
)  # fmt: skip
def test_patterns_that_are_no_rule_are_refused(text: str) -> None:
    with pytest.raises(BadText):
        pattern_of(text)


def test_patterns_know_no_capitals_and_tell_places_in_characters() -> None:
    patterns = Patterns([(pattern_of(r"[A-Z]{2}\d{3}"), "id"), (pattern_of("none"), "none")])
    assert list(patterns.find(normalised("é É AB123"))) == [("id", 4, 9)]
