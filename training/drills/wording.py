"""Small helpers of English for the drills: articles, lists, numbers, persons, made-up names."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from inference.chat_template import Turn

_SOUNDS_LIKE_YOU = re.compile(r"(uni|uku|use|eu|one\b)", re.IGNORECASE)
_VOWEL = re.compile(r"(hour|honest|[aeiou]|x-ray|8|11|18)", re.IGNORECASE)
_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()

_PERSONS = {
    "i am": "you are",
    "am i": "are you",
    "i was": "you were",
    "was i": "were you",
    "i'm": "you're",
    "i": "you",
    "my": "your",
    "mine": "yours",
    "me": "you",
    "myself": "yourself",
}
_PERSON = re.compile(rf"\b({'|'.join(sorted(_PERSONS, key=len, reverse=True))})\b", re.IGNORECASE)

_STARTS = "b br c ch d dr f fl g gr h j k kr l m n p pr r s sh st t th tr v w y z".split()
_VOWELS = "a a a e e i i o o u ai ea ee ia io".split()
_ENDS = "l n r s th m k x nd rt sh ll".split()
_PLACE_ENDS = "ville ton burg ford stad port ova mere field haven".split()


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
        return _SMALL[number]
    if number == 100:
        return "one hundred"
    tens, ones = _TENS[number // 10 - 2], number % 10
    return f"{tens}-{_SMALL[ones]}" if ones else tens


def to_you(text: str) -> str:
    """Turn what the user says of himself into what is said to him: "my cat" to "your cat"."""

    def swap(match: re.Match[str]) -> str:
        return _PERSONS[match.group(0).lower()]

    return _PERSON.sub(swap, text)


def made_up_name(rng: random.Random) -> str:
    """Draw a name that nobody could have learned by heart, of two or three syllables."""
    parts = [rng.choice(_STARTS) + rng.choice(_VOWELS) for _ in range(rng.choice((1, 1, 2, 2, 2)))]
    if rng.random() < 0.25:
        parts.insert(0, rng.choice("aeiou"))
    last = rng.choice(_STARTS[:-1]) + rng.choice("aeiou") if len(parts) < 2 else ""
    name = "".join(parts) + last + (rng.choice(_ENDS) if rng.random() < 0.6 else "")
    return upper_first(name)


def made_up_place(rng: random.Random) -> str:
    """Draw the name of a town that is on no map."""
    head = rng.choice(_STARTS) + rng.choice("aeiou") + rng.choice("lnrmst")
    return upper_first(head + rng.choice(_PLACE_ENDS))


def ask(clause: str, rng: random.Random) -> str:
    """Write a question the way people type it: mostly proper, at times in a hurry."""
    style = rng.random()
    if style < 0.7:
        return upper_first(clause) + "?"
    return clause + "?" if style < 0.85 else clause


def say(clause: str, rng: random.Random) -> str:
    """Write a statement the way people type it."""
    style = rng.random()
    if style < 0.7:
        return upper_first(clause) + rng.choice((".", ".", "!"))
    return clause + "." if style < 0.8 else clause


def exchange(user: str, assistant: str) -> list[Turn]:
    return [Turn("user", user), Turn("assistant", assistant)]
