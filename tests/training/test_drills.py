"""The drills: what they answer is right, whatever is drawn."""

from __future__ import annotations

import calendar
import operator
import random
import re
from pathlib import Path

import pytest

from inference.chat_template import Turn
from training.drills import drill
from training.drills.facts import fact, read_relations
from training.drills.letters import spelling
from training.drills.lists import echo, order
from training.drills.numbers import arithmetic
from training.drills.recall import recall
from training.drills.things import read_things
from training.drills.wording import in_words, to_you, with_article
from training.smalltalk import Slots

SLOTS = Slots.read(Path("training/data/smalltalk/slots.json"))
WORDS = SLOTS.train
FILLERS = [
    [Turn("user", "Is it late?"), Turn("assistant", "Never too late for a chat.")],
    [Turn("user", "tell me a joke about the {animal}"), Turn("assistant", "The {animal}? Ha!")],
    [Turn("user", "I am Pim"), Turn("assistant", "Hello Pim!")],
]
NUMBERS = {in_words(n): n for n in range(101)}
NUMBER = rf"(\d+|{'|'.join(sorted(NUMBERS, key=len, reverse=True))})"


def _number(text: str) -> int:
    return int(text) if text.isdigit() else NUMBERS[text.lower()]


@pytest.mark.parametrize("words", [SLOTS.train, SLOTS.held_out])
def test_drill_is_clean_for_any_seed(words: dict[str, list[str]]) -> None:
    for seed in range(3000):
        turns = drill(words, FILLERS, random.Random(seed))
        assert [turn.role for turn in turns] == ["user", "assistant"] * (len(turns) // 2)
        text = " ".join(turn.content for turn in turns)
        assert turns
        assert len(text.split()) <= 230
        assert all(turn.content == turn.content.strip() != "" for turn in turns)
        assert not re.search(r"[{}]|\.\.|  |\ba an?\b|\ban an?\b|\bthe (an?|the)\b", text), text
        assert "Pim" not in text, "a filler that states a fact"
        for article, noun in re.findall(r"\b([Aa]n?) (?:(?:young|baby) )?([a-z]\w+)", text):
            if article.lower() in ("a", "an") and noun not in ("and", "is", "or"):
                assert with_article(noun) == f"{article.lower()} {noun}", text


def test_drill_repeats_itself_for_the_same_seed() -> None:
    draws = [[drill(WORDS, FILLERS, random.Random(seed)) for seed in range(50)] for _ in "ab"]
    assert draws[0] == draws[1]
    assert len({str(turns) for turns in draws[0]}) > 45


def test_recall_answers_with_what_was_said() -> None:
    for seed in range(3000):
        turns = recall(WORDS, FILLERS, random.Random(seed))
        *before, question, answer = turns
        if re.search(r"not (told|said|mentioned)|did not tell|EuGPT", answer.content):
            continue
        said = " ".join(turn.content for turn in [*before, question] if turn.role == "user")
        known = set(re.findall(r"[\w-]+", said.lower()))
        names = re.findall(r"(?<=[a-z,] )[A-Z][a-z]+|\d+", answer.content)
        assert all(name.lower() in known for name in names), turns


def test_statements_and_answers_of_every_thing_hold_the_word() -> None:
    rng = random.Random(5)
    for thing in read_things():
        fields = thing.draw(WORDS, rng)
        statements = [clause.format_map(fields) for clause in thing.says]
        assert statements
        for question in thing.questions:
            assert len(question.asks) >= 2
            bare = fields[question.x]
            core = re.sub(r"^(at the|the|on|in|at|my|an?) ", "", bare)
            facts = [clause.format_map(fields) for clause in question.facts]
            assert all(core in text for text in [*statements, *facts]), (question, statements)
            for _, reply in question.tasks:
                assert any(fields[name] in reply.format_map(fields) for name in fields)


def test_recall_keeps_to_a_correction() -> None:
    seen = 0
    for seed in range(6000):
        turns = recall(WORDS, FILLERS, random.Random(seed))
        corrected = [i for i, t in enumerate(turns) if "I meant " in t.content]
        answer = turns[-1].content
        if corrected and re.search(r"^You told me|^You said|^I remember", answer):
            word = turns[corrected[0]].content.partition("I meant ")[2].strip(".!")
            assert word.lower() in answer.lower(), turns
            seen += 1
    assert seen > 3


def test_arithmetic_is_right() -> None:
    signs = {"plus": operator.add, "minus": operator.sub, "times": operator.mul}
    signs |= {"+": operator.add, "-": operator.sub, "*": operator.mul}
    checked = 0
    for seed in range(3000):
        for ask, reply in [arithmetic(WORDS, random.Random(seed))]:
            term = re.search(rf"\b{NUMBER} ([a-z]+|[-+*]) {NUMBER}\b", ask.content.lower())
            if term and term[2] in signs:
                result = signs[term[2]](_number(term[1]), _number(term[3]))
                assert _number(re.findall(NUMBER, reply.content.lower())[-1]) == result
                checked += 1
            story = re.search(
                rf"have {NUMBER} .*(get|find|buy|lose|give \D*){NUMBER}?", ask.content
            )
            if story:
                have, change = map(_number, re.findall(rf"\b{NUMBER}\b", ask.content.lower())[:2])
                result = have + change if " more" in ask.content else have - change
                found = [_number(n) for n in re.findall(rf"\b{NUMBER}\b", reply.content.lower())]
                assert result in (found[0], found[-1]), (ask, reply)
                checked += 1
    assert checked > 1000


def test_spelling_is_right() -> None:
    for seed in range(2000):
        ask, reply = spelling(WORDS, random.Random(seed))
        for run in re.findall(r"\b(?:[A-Z](?:-|, | )){2,}[A-Z]\b", reply.content):
            assert re.sub("[^A-Z]", "", run).lower() in ask.content.lower()
        count = re.search(rf"\b{NUMBER}\b.*letters", reply.content.lower())
        if count:
            assert _number(count[1]) in {len(word) for word in re.findall(r"\w+", ask.content)}


def test_order_names_the_day_after() -> None:
    days = list(calendar.day_name)
    seen = 0
    for seed in range(4000):
        ask, reply = order(WORDS, random.Random(seed))
        asked = re.search(r"after (\w+day)", ask.content)
        if asked:
            assert days[(days.index(asked[1]) + 1) % 7] in reply.content
            seen += 1
    assert seen > 20


def test_echo_answers_with_words_of_the_question_only() -> None:
    for seed in range(500):
        ask, reply = echo(WORDS, random.Random(seed))
        assert re.findall(r"\w+", reply.content)[-1].lower() in ask.content.lower()


def test_every_fact_has_an_answer() -> None:
    relations = read_relations()
    assert sum(len(relation.rows) for relation in relations.values()) >= 200
    for relation in relations.values():
        assert all("{s}" in ask for ask in relation.asks)
        assert all("{a}" in answer or "{A}" in answer for answer in relation.answers)
        assert all(subject and answer for subject, answer, _ in relation.rows)
        assert len({row[0] for row in relation.rows}) == len(relation.rows)


def test_fact_answers_the_question() -> None:
    right = {(subject, answer) for r in read_relations().values() for subject, answer, _ in r.rows}
    for seed in range(1000):
        ask, reply = fact(WORDS, random.Random(seed))
        assert any(
            s.lower() in ask.content.lower() and a.lower() in reply.content.lower()
            for s, a in right
        )


def test_to_you_turns_the_person() -> None:
    assert to_you("I am fine and my cat likes me") == "you are fine and your cat likes you"
    assert to_you("what am I called") == "what are you called"
    assert (with_article("hour"), with_article("unicorn")) == ("an hour", "a unicorn")
