"""Drills on plain facts of the table `training/data/facts.json`.

The table holds relations: wordings of the question and of the answer, with `{s}` for the subject
and `{a}` for the answer (`{S}`, `{A}` with a capital letter), and rows of subject, answer and at
times a second sentence.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from functools import cache
from typing import Any

from inference.chat_template import Turn
from training.drills.wording import DATA, ask, exchange, upper_first


@dataclass(frozen=True, slots=True)
class Relation:
    """Facts of one form. `rows` are (subject, answer, second sentence or "")."""

    asks: tuple[str, ...]
    answers: tuple[str, ...]
    rows: tuple[tuple[str, str, str], ...]


@cache
def read_relations() -> dict[str, Relation]:
    """Read the table; a broken one is a `KeyError` or `ValueError` at the first draw."""
    table: dict[str, Any] = json.loads((DATA / "facts.json").read_text(encoding="utf-8"))
    return {
        name: Relation(
            tuple(entry["asks"]),
            tuple(entry["answers"]),
            tuple((row[0], row[1], row[2] if len(row) > 2 else "") for row in entry["rows"]),
        )
        for name, entry in table.items()
    }


def fact(words: dict[str, list[str]], rng: random.Random) -> list[Turn]:
    """One question about one fact; every fact of the table is equally likely."""
    relations = list(read_relations().values())
    relation = rng.choices(relations, weights=[len(r.rows) for r in relations])[0]
    subject, answer, more = rng.choice(relation.rows)
    fields = {"s": subject, "a": answer, "S": upper_first(subject), "A": upper_first(answer)}
    reply = rng.choice(relation.answers).format_map(fields)
    if more and rng.random() < 0.4:
        reply = f"{reply} {more}"
    return exchange(ask(rng.choice(relation.asks).format_map(fields), rng), upper_first(reply))
