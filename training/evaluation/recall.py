"""Recall: the user said something, later asks for it. Names are held out, other words mostly."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from inference.chat_template import Turn
from training import smalltalk
from training.evaluation.probes import has_word, read_probes
from training.evaluation.result import Failure, Measure, Row, share
from training.evaluation.subject import Subject

CASES = 200
_NAMES = {"name", "friend", "pet_name"}  # no word of these may occur in training at all
_DISTANCES = ("asked at once", "after 1 exchange", "after 2 or more")
_TRIES = 40


@dataclass(frozen=True, slots=True)
class Case:
    turns: list[Turn]
    answer: str
    distance: int  # replies between the message that says it and the one that asks: 0, 1, 2 = more


def recall(subject: Subject) -> Measure:
    """The exact word, anywhere in the greedy reply."""
    cases = subject.cut(recall_cases(subject))
    replies = subject.replies([c.turns for c in cases], temperature=0)
    passed = [has_word(r.text, c.answer) for r, c in zip(replies, cases, strict=True)]
    failures = [
        Failure(" | ".join(t.content for t in c.turns), c.answer, r.text)
        for ok, r, c in zip(passed, replies, cases, strict=True)
        if not ok
    ]
    rows = [Row("recall", share(passed), goal=">= 0.85", note=f"{len(cases)} conversations")]
    for distance, label in enumerate(_DISTANCES):
        near = [ok for ok, c in zip(passed, cases, strict=True) if c.distance == distance]
        rows.append(Row(f"recall: {label}", share(near), note=f"{len(near)} conversations"))
    return Measure(rows, failures)


def recall_cases(subject: Subject) -> list[Case]:
    """Fill every template in turn, round after round, until there are enough different cases."""
    words = _unseen_words(subject)
    templates = [(p["turns"], p["answer"]) for p in read_probes("recall")]
    cases: list[Case] = []
    seen: set[str] = set()
    for number in range(_TRIES):
        for i, (texts, answer) in enumerate(templates):
            case = _fill(texts, answer, words, random.Random(f"{number}:{i}"))
            key = case.answer + "".join(t.content for t in case.turns)
            if key not in seen and len(cases) < CASES:
                seen.add(key)
                cases.append(case)
    return cases


def distance(texts: list[str], answer: str) -> int:
    """Replies between the last user message that holds `answer` and the question; at most 2."""
    said = max(i for i in range(0, len(texts), 2) if answer in texts[i])
    return min((len(texts) - 1 - said) // 2, 2)


def _fill(texts: list[str], answer: str, words: dict[str, list[str]], rng: random.Random) -> Case:
    roles = ("user", "assistant")
    turns = [Turn(roles[i % 2], text) for i, text in enumerate(texts)]  # type: ignore[arg-type]
    *turns, last = smalltalk.fill_slots([*turns, Turn("user", answer)], words, rng)
    word = re.sub(r"^(an?|the) ", "", last.content)
    return Case(turns, word, distance(texts, answer))


def _unseen_words(subject: Subject) -> dict[str, list[str]]:
    """Held-out words; names only if no training text or list holds them either.

    Lists of twelve words or fewer have none to spare: theirs were seen in training.
    """
    texts = [word for words in subject.slots.train.values() for word in words]
    texts += [turn.content for turns in subject.lines[0] for turn in turns]
    texts += [path.read_text("utf-8") for path in sorted(subject.talk.parent.glob("*.json"))]
    trained = {word for text in texts for word in re.findall(r"[a-z]+", text.lower())}
    return {
        slot: [w for w in words if slot not in _NAMES or w.lower() not in trained] or words
        for slot, words in subject.slots.held_out.items()
    }
