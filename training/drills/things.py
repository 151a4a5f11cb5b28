"""What a user may tell of himself and how it is asked for later: `training/data/recall.json`.

Every clause there is in the user's person ("my cat is called {x}"); `wording.to_you` turns it
into the reply's. `Fields` makes the forms of a drawn word: `{X}` or `{pet_up}` with a capital
letter, `{a_x}` with its article, `{the_x}`, `{at_the_place}`, `{my_who}` with words before it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from training.drills.wording import (
    DATA,
    VOCABULARY,
    in_words,
    join_words,
    made_up_name,
    made_up_place,
    upper_first,
    with_article,
)

Words = dict[str, list[str]]
_STREETS = ("Street", "Road", "Lane", "Avenue")


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that can be asked of what was said.

    `about` follows "Do you remember …"; `facts` are whole answers; `x` names the field that
    answers alone; `tasks` are (request, reply) pairs that need the word as well.
    """

    about: tuple[str, ...]
    asks: tuple[str, ...]
    facts: tuple[str, ...]
    x: str
    tasks: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Thing:
    """Something the user says. Things of one group are easily taken for each other."""

    group: str
    weight: int
    sources: dict[str, list[str]]
    questions: tuple[Question, ...]
    says: tuple[str, ...]
    acks: tuple[str, ...]

    @property
    def statements(self) -> tuple[str, ...]:
        """With a single question, that question's facts say everything."""
        return self.says + (self.questions[0].facts if len(self.questions) == 1 else ())

    def draw(self, words: Words, rng: random.Random) -> Fields:
        fields = Fields({name: _draw(src, words, rng) for name, src in self.sources.items()})
        while fields["x"] == fields.get("y"):
            fields["y"] = _draw(self.sources["y"], words, rng)
        return fields


class Fields(dict[str, str]):
    """The drawn words of a thing; their other forms are made when a clause asks for them."""

    def __missing__(self, key: str) -> str:
        if key[0].isupper():
            return upper_first(self[key[0].lower() + key[1:]])
        if key.endswith("_up"):
            return upper_first(self[key[:-3]])
        if key == "date":
            return f"{self['x']} {self['number']}"
        if key.endswith("_count"):
            return in_words(len(self[key[:-6]].replace(" and ", ", ").split(", ")))
        before, _, name = key.rpartition("_")
        if not before:
            raise KeyError(key)
        return (
            with_article(self[name])
            if before == "a"
            else f"{before} {self[name]}".replace("_", " ")
        )


@cache
def read_things() -> tuple[Thing, ...]:
    """Read the table; a broken one is a `KeyError` or `ValueError` at the first draw."""
    table: dict[str, Any] = json.loads((DATA / "recall.json").read_text(encoding="utf-8"))
    return tuple(
        Thing(
            entry["group"],
            entry["weight"],
            entry["draw"],
            tuple(_question(question) for question in entry["questions"]),
            tuple(entry["says"]),
            tuple(entry["acks"]),
        )
        for entry in table.values()
    )


def _question(entry: dict[str, Any]) -> Question:
    return Question(
        tuple(entry["about"]),
        tuple(entry["asks"]),
        tuple(entry["facts"]),
        entry.get("x", "x"),
        tuple((task, reply) for task, reply in entry.get("tasks", ())),
    )


def _draw(sources: list[str], words: Words, rng: random.Random) -> str:
    """Draw from slot lists, `@rules` and single words; "=friend" is the word, not the list."""
    known = [word for name in sources for word in _SPECIAL.get(name, _listed)(name, words, rng)]
    return rng.choice(known)


def _listed(name: str, words: Words, rng: random.Random) -> list[str]:
    return words.get(name) or [name.removeprefix("=")]


def _person(name: str, words: Words, rng: random.Random) -> list[str]:
    return [
        made_up_name(rng) if rng.random() < 0.5 else rng.choice(words["name"] + words["friend"])
    ]


def _pet_name(name: str, words: Words, rng: random.Random) -> list[str]:
    return [made_up_name(rng) if rng.random() < 0.4 else rng.choice(words["pet_name"])]


def _invented(name: str, words: Words, rng: random.Random) -> list[str]:
    names = [made_up_name(rng) for _ in range(rng.choice((1, 1, 1, 2)))]
    return [" ".join(names)]


def _town(name: str, words: Words, rng: random.Random) -> list[str]:
    return [made_up_place(rng) if rng.random() < 0.4 else rng.choice(words["city"])]


def _street(name: str, words: Words, rng: random.Random) -> list[str]:
    return [f"{made_up_name(rng)} {rng.choice(_STREETS)}"]


def _title(name: str, words: Words, rng: random.Random) -> list[str]:
    return [f"The {rng.choice(VOCABULARY['title_first'])} {rng.choice(VOCABULARY['title_last'])}"]


def _number_of(low: int, high: int) -> _Rule:
    def rule(name: str, words: Words, rng: random.Random) -> list[str]:
        number = rng.randint(low, high)
        return [rng.choice((str(number), in_words(number)))]

    return rule


def _digits(name: str, words: Words, rng: random.Random) -> list[str]:
    return [str(rng.randint(100, 9999))]


def _day_of_month(name: str, words: Words, rng: random.Random) -> list[str]:
    return [str(rng.randint(1, 28))]


def _secret_word(name: str, words: Words, rng: random.Random) -> list[str]:
    known = [w for key in ("animal", "fruit", "flower", "vegetable", "color") for w in words[key]]
    return [made_up_name(rng).lower() if rng.random() < 0.4 else rng.choice(known)]


def _goods(name: str, words: Words, rng: random.Random) -> list[str]:
    goods = [*words["food"], *words["drink"], "eggs", "butter", "cheese", "apples", "flour", "soap"]
    single = sorted({word for word in goods if " and " not in word})
    return [join_words(rng.sample(single, k=rng.randint(2, 4)))]


_Rule = Callable[[str, Words, random.Random], list[str]]
_SPECIAL: dict[str, _Rule] = {
    "@person": _person,
    "@pet_name": _pet_name,
    "@invented": _invented,
    "@town": _town,
    "@street": _street,
    "@title": _title,
    "@age": _number_of(6, 90),
    "@number": _number_of(2, 99),
    "@few": _number_of(2, 9),
    "@code": _digits,
    "@day_of_month": _day_of_month,
    "@secret_word": _secret_word,
    "@goods": _goods,
}
