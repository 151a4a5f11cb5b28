"""Drills on letters: spelling a word, its first and last letter, its length."""

from __future__ import annotations

import random

from inference.chat_template import Turn
from training.drills.wording import VOCABULARY, ask, exchange, in_words, made_up_name, upper_first


def _word(words: dict[str, list[str]], rng: random.Random) -> str:
    if rng.random() < 0.15:
        return made_up_name(rng)
    if rng.random() < 0.5:
        return rng.choice(VOCABULARY["spelling"])
    names = ("animal", "fruit", "vegetable", "color", "food", "name", "city", "month", "pet_name")
    everything = [w for name in names for w in words[name] if w.isalpha() and len(w) <= 9]
    return rng.choice(everything)


def spelling(words: dict[str, list[str]], rng: random.Random) -> list[Turn]:
    """One exchange about the letters of one word."""
    word = _word(words, rng)
    make = rng.choice((_spell, _spell, _edge, _count))
    return make(word, rng)


def _spell(word: str, rng: random.Random) -> list[Turn]:
    clause = rng.choice(
        (
            f"how do you spell {word}",
            f"can you spell {word}",
            f"spell {word}",
            f"please spell the word {word}",
            f"how is {word} spelled",
            f"spell {word} letter by letter",
        )
    )
    glue = rng.choice(("-", "-", ", ", " "))
    letters = glue.join(word.upper())
    named = upper_first(word)
    answer = rng.choice(
        (f"{letters}.", f"{named} is spelled {letters}.", f"You spell it {letters}.", f"{letters}")
    )
    return exchange(ask(clause, rng), answer)


def _edge(word: str, rng: random.Random) -> list[Turn]:
    name, place, verb = rng.choice((("first", 0, "begins"), ("last", -1, "ends")))
    letter = word[place].upper()
    clause = rng.choice(
        (
            f"what is the {name} letter of {word}",
            f"which letter is {name} in {word}",
            f"{word}: what is the {name} letter",
            f"with which letter does {word} {'begin' if place == 0 else 'end'}",
        )
    )
    answer = rng.choice(
        (
            f"The {name} letter of {word} is {letter}.",
            f"{letter}.",
            f"{upper_first(word)} {verb} with {letter}.",
            f"It is {letter}.",
        )
    )
    return exchange(ask(clause, rng), answer)


def _count(word: str, rng: random.Random) -> list[Turn]:
    number = in_words(len(word))
    clause = rng.choice(
        (
            f"how many letters does {word} have",
            f"how many letters are in {word}",
            f"how many letters are there in the word {word}",
            f"count the letters of {word}",
        )
    )
    letters = "-".join(word.upper())
    answer = rng.choice(
        (
            f"{letters}: that is {number} letters.",
            f"{upper_first(word)} has {number} letters: {letters}.",
            f"{upper_first(number)}: {letters}.",
            f"{upper_first(word)} has {number} letters.",
        )
    )
    return exchange(ask(clause, rng), answer)
