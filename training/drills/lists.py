"""Drills on words as such: saying them again, turning them round, sorting and naming them."""

from __future__ import annotations

import random

from inference.chat_template import Turn
from training.drills.wording import (
    VOCABULARY,
    ask,
    exchange,
    join_words,
    made_up_name,
    upper_first,
    with_article,
)

Words = dict[str, list[str]]

_ECHOES = (
    ("Repeat after me: {}.", "{}."),
    ("repeat after me: {}", "{}"),
    ("Please say: {}", "{}"),
    ("say {}", "{}"),
    ("Can you repeat these words? {}", "{}"),
    ("Say this again: {}", "{}"),
    ("copy this: {}", "{}"),
    ("Write exactly this: {}", "{}"),
    ("Remember these words: {}. What were they?", "The words were: {}."),
    ("my list is {}. what is on my list?", "On your list: {}."),
    ("I wrote down {}. What did I write down?", "You wrote down {}."),
    ("Here are some words: {}. Which words did I give you?", "You gave me {}."),
    ("what did I just say: {}", "You just said: {}."),
)
_BACKWARDS = (
    "Say these words in the other order: {}",
    "say {} backwards in order",
    "Turn this list round: {}",
    "Please give me {} from last to first.",
)
_PLACES = (("first", 0), ("second", 1), ("last", -1))
_KINDS = {
    "animal": "animal",
    "color": "colour",
    "fruit": "fruit",
    "vegetable": "vegetable",
    "instrument": "instrument",
    "flower": "flower",
    "job": "job",
    "drink": "drink",
    "day": "day of the week",
    "month": "month",
    "country": "country",
}
# Words of two lists ("orange"), which would make a "no" wrong.
_DOUBLE = {"orange", "rose", "violet", "pepper", "cook", "daisy", "gold", "silver", "olive"}
_OPPOSITES = tuple(tuple(pair.split("/")) for pair in VOCABULARY["opposites"])
# Two words share this opposite, so it is not asked for.
_NO_WAY_BACK = ("short", "light", "find", "right")


def _some_words(words: Words, rng: random.Random, n: int) -> list[str]:
    everything = sorted({word for name in words for word in words[name]})
    chosen = rng.sample(everything, k=n)
    return [made_up_name(rng) if rng.random() < 0.2 else word for word in chosen]


def echo(words: Words, rng: random.Random) -> list[Turn]:
    """One exchange over one to six words of any list."""
    style = rng.random()
    if style < 0.15:
        return _backwards(words, rng)
    if style < 0.3:
        return _one_of_list(words, rng)
    chosen = _some_words(words, rng, rng.randint(1, 6))
    asked, answer = rng.choice(_ECHOES)
    said = rng.choice((", ", ", ", " and ", " ")).join(chosen)
    return exchange(asked.format(said), answer.format(said))


def _backwards(words: Words, rng: random.Random) -> list[Turn]:
    chosen = _some_words(words, rng, rng.choice((2, 2, 3)))
    turned = ", ".join(reversed(chosen))
    answer = rng.choice(("{}.", "Backwards it is {}.", "In the other order: {}.", "{}"))
    return exchange(rng.choice(_BACKWARDS).format(", ".join(chosen)), answer.format(turned))


def _one_of_list(words: Words, rng: random.Random) -> list[Turn]:
    chosen = _some_words(words, rng, rng.randint(2, 4))
    name, place = rng.choice(_PLACES)
    listed = ", ".join(chosen)
    asked = rng.choice(
        (
            f"My list: {listed}. What is the {name} word?",
            f"{listed} - which one is {name}?",
            f"Which word comes {name} here? {listed}",
        )
    )
    word = chosen[place]
    answers = (f"The {name} word is {word}.", f"{upper_first(word)}.", f"The {name} one is {word}.")
    return exchange(asked, rng.choice(answers))


def order(words: Words, rng: random.Random) -> list[Turn]:
    """One exchange on opposites, calendars, kinds of things or the alphabet."""
    make = rng.choice((_opposite, _calendar, _is_a, _which_is, _alphabet))
    return make(words, rng)


def _opposite(words: Words, rng: random.Random) -> list[Turn]:
    word, other = rng.choice(_OPPOSITES)
    if other not in _NO_WAY_BACK and rng.random() < 0.5:
        word, other = other, word
    clause = rng.choice(
        (
            f"what is the opposite of {word}",
            f"what's the opposite of {word}",
            f"which word is the opposite of {word}",
            f"tell me the opposite of {word}",
        )
    )
    answers = (
        f"The opposite of {word} is {other}.",
        f"{upper_first(other)}.",
        f"{upper_first(other)} is the opposite of {word}.",
        f"That is {other}.",
    )
    return exchange(ask(clause, rng), rng.choice(answers))


def _calendar(words: Words, rng: random.Random) -> list[Turn]:
    kind = rng.choice(("day", "day", "month", "month", "season"))
    items = VOCABULARY[f"{kind}s"]
    i = rng.randrange(len(items))
    word, step = rng.choice((("after", 1), ("before", -1)))
    answer = items[(i + step) % len(items)]
    clause = rng.choice(
        (
            f"which {kind} comes {word} {items[i]}",
            f"what {kind} is {word} {items[i]}",
            f"what comes {word} {items[i]}",
            f"which {kind} is right {word} {items[i]}",
        )
    )
    answers = (
        f"{upper_first(answer)} comes {word} {items[i]}.",
        f"{upper_first(answer)}.",
        f"The {kind} {word} {items[i]} is {answer}.",
        f"It is {answer}.",
    )
    return exchange(ask(clause, rng), rng.choice(answers))


def _clear(words: Words, name: str) -> list[str]:
    return [word for word in words[name] if word not in _DOUBLE]


def _usable(words: Words) -> list[str]:
    return [name for name in _KINDS if _clear(words, name)]


def _is_a(words: Words, rng: random.Random) -> list[Turn]:
    name, other = rng.sample(_usable(words), k=2)
    word = rng.choice(_clear(words, name))
    kind, wrong = with_article(_KINDS[name]), with_article(_KINDS[other])
    if rng.random() < 0.5:
        answer = rng.choice((f"Yes, {word} is {kind}.", f"Yes, it is {kind}."))
        return exchange(ask(f"is {word} {kind}", rng), answer)
    answers = (f"No, {word} is {kind}.", f"No, it is {kind}.", f"No, {word} is not {wrong}.")
    return exchange(ask(f"is {word} {wrong}", rng), rng.choice(answers))


def _which_is(words: Words, rng: random.Random) -> list[Turn]:
    name, *others = rng.sample(_usable(words), k=3)
    word = rng.choice(_clear(words, name))
    given = [word, *(rng.choice(_clear(words, other)) for other in others)]
    rng.shuffle(given)
    kind = with_article(_KINDS[name])
    clause = rng.choice(
        (
            f"which of these is {kind}: {', '.join(given)}",
            f"which one is {kind}, {join_words(given, 'or')}",
            f"{', '.join(given)} - which is {kind}",
        )
    )
    answers = (f"{upper_first(word)} is {kind}.", f"{upper_first(word)}.", f"That is {word}.")
    return exchange(ask(clause, rng), rng.choice(answers))


def _alphabet(words: Words, rng: random.Random) -> list[Turn]:
    names = [w.lower() for key in ("animal", "fruit", "vegetable", "flower") for w in words[key]]
    first, second = rng.sample(sorted(set(names)), k=2)
    earlier, later = sorted((first, second))
    asked = f"which word comes first in the alphabet, {first} or {second}"
    same = earlier[0] == later[0]
    reason = "" if same else f" {earlier[0].upper()} comes before {later[0].upper()}."
    answers = (f"{upper_first(earlier)} comes first.{reason}", f"{upper_first(earlier)}.{reason}")
    return exchange(ask(asked, rng), rng.choice(answers))
