"""Small helpers of English for the drills: articles, lists, numbers, persons, made-up names."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

from inference.chat_template import Turn

DATA = Path(__file__).parent.parent / "data"
VOCABULARY: dict[str, list[str]] = {
    name: text.split()
    for name, text in json.loads((DATA / "drill_words.json").read_text("utf-8")).items()
}

_SOUNDS_LIKE_YOU = re.compile(r"(uni|uku|use|eu|one\b)", re.IGNORECASE)
_VOWEL = re.compile(r"(hour|honest|[aeiou]|x-ray|8|11\b|18\b)", re.IGNORECASE)
_IMPERATIVE = re.compile(
    r"^(\w+, |\w+ \w+: |so |and |hey, )?(please|tell (?!me,)|count|spell|calculate|say"
    r"|greet|wish|write|begin|sign|cheer|remind|sum)\b",
    re.IGNORECASE,
)
_PERSONS = {
    "i am": "you are",
    "am i": "are you",
    "i was": "you were",
    "was i": "were you",
    "i'm": "you're",
    "i": "you",
    "my": "your",
    "our": "your",
    "we": "you",
    "us": "you",
    "mine": "yours",
    "me": "you",
    "myself": "yourself",
}
_PERSON = re.compile(rf"\b({'|'.join(sorted(_PERSONS, key=len, reverse=True))})\b", re.IGNORECASE)


def with_article(noun: str) -> str:
    """Put the right one of "a" and "an" before a noun."""
    is_an = _VOWEL.match(noun) and not _SOUNDS_LIKE_YOU.match(noun)
    return f"an {noun}" if is_an else f"a {noun}"


def upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def join_words(items: Sequence[str], word: str = "and") -> str:
    """Write "a, b and c"."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {word} {items[-1]}"


def in_words(number: int) -> str:
    """Spell out a number from 0 to 100."""
    if number < 20:
        return VOCABULARY["small_numbers"][number]
    if number == 100:
        return "one hundred"
    tens, ones = VOCABULARY["tens"][number // 10 - 2], number % 10
    return f"{tens}-{in_words(ones)}" if ones else tens


def to_you(text: str) -> str:
    """Turn what the user says of himself into what is said to him: "my cat" to "your cat"."""

    def swap(match: re.Match[str]) -> str:
        return _PERSONS[match.group(0).lower()]

    return _PERSON.sub(swap, text)


def made_up_name(rng: random.Random) -> str:
    """Draw a name that nobody could have learned by heart, of two or three syllables."""
    starts, vowels = VOCABULARY["syllable_starts"], VOCABULARY["syllable_vowels"]
    parts = [rng.choice(starts) + rng.choice(vowels) for _ in range(rng.choice((1, 2, 2)))]
    if rng.random() < 0.25:
        parts.insert(0, rng.choice("aeiou"))
    if len(parts) == 1:
        parts.append(rng.choice(starts) + rng.choice("aeiou"))
    end = rng.choice(VOCABULARY["syllable_ends"]) if rng.random() < 0.6 else ""
    return upper_first("".join(parts) + end)


def made_up_place(rng: random.Random) -> str:
    """Draw the name of a town that is on no map."""
    head = rng.choice(VOCABULARY["syllable_starts"]) + rng.choice("aeiou") + rng.choice("lnrmst")
    return upper_first(head + rng.choice(VOCABULARY["place_ends"]))


def ask(clause: str, rng: random.Random) -> str:
    """Write a question the way people type it: mostly proper, at times in a hurry."""
    mark = "." if _IMPERATIVE.match(clause) else "?"
    style = rng.random()
    if style < 0.7:
        return upper_first(clause) + mark
    return clause + mark if style < 0.85 else clause


def say(clause: str, rng: random.Random) -> str:
    """Write a statement the way people type it."""
    style = rng.random()
    if style < 0.7:
        return upper_first(clause) + rng.choice((".", ".", ".", "!"))
    return clause + "." if style < 0.8 else clause


def exchange(user: str, assistant: str) -> list[Turn]:
    return [Turn("user", user), Turn("assistant", assistant)]
