"""Drills of recall: the user says something, small talk goes by, and the user asks for it."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from inference.chat_template import Turn
from training.drills.things import THINGS, Question, Thing, Words
from training.drills.wording import (
    ask,
    exchange,
    join_words,
    say,
    to_you,
    upper_first,
    with_article,
)
from training.smalltalk import fill_slots

_MAX_WORDS = 190  # about 280 tokens, so that the conversation fits into one row
# A filler that states a fact of the user's own would make two answers right.
_STATES_A_FACT = re.compile(
    r"\b(my|our|i am|i'm|im|call me|i live|i have|i play|i love|i like|i work|i come|i was"
    r"|i need|i bought|remember|forg[eo]t)\b",
    re.IGNORECASE,
)

_BEFORE_SAY = ("", "", "", "", "", "by the way, ", "just so you know, ", "you should know that ")
_PLEASE_REMEMBER = ("remember this: ", "please remember that ", "keep in mind that ")
_GENERIC_ACKS = (
    "Good to know, thank you for telling me.",
    "Thank you, I will keep that in mind.",
    "I see! Ask me about it any time.",
    "Understood. What else would you like to tell me?",
    "Noted: {fact}.",
    "So {fact}. Good to know!",
    "{Fact}, I have got that.",
    "Thank you for telling me that {fact}.",
)
_BEFORE_ASK = ("", "", "", "", "", "so ", "and ", "now, ", "tell me, ", "quick question: ", "hey, ")
_AROUND_ABOUT = (
    "do you remember {}",
    "do you still know {}",
    "can you tell me {}",
    "tell me {}",
    "please tell me {} again",
    "have I told you {}",
    "did I mention {}",
    "I want to test you: do you know {}",
    "I forgot {}, can you help me",
    "could you remind me of {}",
)
_ANSWERS = (
    "{Fact}.",
    "{Fact}.",
    "{Fact}.",
    "You told me that {fact}.",
    "You said that {fact}.",
    "{X}.",
    "{X}. You told me so.",
    "{X}, as you told me.",
    "You told me: {fact}.",
    "I remember: {fact}.",
    "{Fact}, I was listening.",
    "Yes, {fact}.",
    "{X}! {Fact}.",
    "Of course: {fact}.",
)
_TAILS = (
    "Did I get it right?",
    "I was listening!",
    "What else would you like to know?",
    "That was easy.",
    "You mentioned it before.",
    "Try me with a harder one!",
)
_UNKNOWN = (
    "You have not told me {about} yet.",
    "I do not know {about}, you have not told me.",
    "You have not mentioned {about} so far. Would you like to tell me?",
    "I'm afraid I do not know {about}. You have not said it in this chat.",
    "You did not tell me {about}, so I will not guess.",
    "That I do not know yet. You have not told me {about}.",
    "You have not told me {about}. I only know that {fact}.",
)
_CORRECTIONS = (
    "no, it is {x}",
    "sorry, I meant {x}",
    "wait, I made a mistake, it is {x}",
    "that was wrong, it is {x}",
    "no, {x}!",
    "actually it is {x}",
)
_CORRECTED = (
    "Thank you for the correction: {fact}.",
    "Oh, {x} then! I have changed it.",
    "{X}, not {old}. Thank you for telling me.",
    "I see, {x}. Now I have it right.",
    "No problem, {x} it is.",
)
_HELLOS = ("hi", "hello", "hey there", "good evening", "Good morning!", "hello EuGPT", "Hi!")
_GREETINGS = (
    "Hello! Before we start, {ask}?",
    "Hi, it is good to see you. {Ask}?",
    "Hello there! {Ask}?",
    "Welcome! May I ask, {ask}?",
)


@dataclass(slots=True)
class _Said:
    """One thing with its words drawn."""

    thing: Thing
    fields: dict[str, str]
    question: Question = field(init=False)

    def __post_init__(self) -> None:
        self.question = self.thing.questions[0]

    def fill(self, text: str) -> str:
        return text.format_map(self.fields)

    @property
    def key(self) -> str:
        """What must differ between two things of one conversation."""
        return self.fill(self.question.about[0])

    @property
    def x(self) -> str:
        return to_you(self.fields[self.question.x])


def _more_fields(fields: dict[str, str]) -> dict[str, str]:
    """Add the forms of the drawn words that the tables use."""
    filled = dict(fields)
    for name in ("x", "pet"):
        if name in fields:
            filled[f"a_{name}"] = with_article(fields[name])
            filled[f"a_{name}_up"] = upper_first(filled[f"a_{name}"])
    filled["X"] = upper_first(fields["x"])
    filled["the_x"], filled["at_the_x"] = f"the {fields['x']}", f"at the {fields['x']}"
    for name, before in (("place", "the"), ("day", "on"), ("who", "my"), ("thing", "my")):
        if name in fields:
            filled[f"{before}_{name}"] = f"{before} {fields[name]}"
    return filled


def _draw(words: Words, rng: random.Random, n: int) -> list[_Said]:
    """Draw `n` things that cannot be mixed up."""
    chosen: list[_Said] = []
    while len(chosen) < n:
        thing = rng.choices(THINGS, weights=[t.weight for t in THINGS])[0]
        said = _Said(thing, _more_fields(thing.draw(words, rng)))
        said.question = rng.choice(thing.questions)
        taken = {q for s in chosen for q in _keys(s)} | {s.fields["x"] for s in chosen}
        if taken.isdisjoint({*_keys(said), said.fields["x"]}):
            chosen.append(said)
    return chosen


def _keys(said: _Said) -> set[str]:
    return {said.fill(question.about[0]) for question in said.thing.questions}


def _fact(said: _Said, rng: random.Random) -> str:
    return to_you(said.fill(rng.choice(said.question.facts)))


def _statement(said: _Said, rng: random.Random) -> str:
    before = rng.choice(_PLEASE_REMEMBER if rng.random() < 0.12 else _BEFORE_SAY)
    clause = said.fill(rng.choice(said.thing.statements))
    if before and re.match(r"(hi|hello|oh|let's|please|remember|on my list|my plan)\b", clause):
        before = ""
    return before + clause


def _ack(said: _Said, rng: random.Random) -> str:
    if said.thing.acks and rng.random() < 0.65:
        return said.fill(rng.choice(said.thing.acks))
    fact = _fact(said, rng)
    return rng.choice(_GENERIC_ACKS).format(fact=fact, Fact=upper_first(fact))


def _ask_clause(said: _Said, rng: random.Random) -> str:
    if rng.random() < 0.3:
        about = said.fill(rng.choice(said.question.about))
        return rng.choice(_AROUND_ABOUT).format(about)
    return said.fill(rng.choice(said.question.asks))


def _question(said: _Said, rng: random.Random) -> str:
    return ask(rng.choice(_BEFORE_ASK) + _ask_clause(said, rng), rng)


def _answer(said: _Said, rng: random.Random) -> str:
    fact = _fact(said, rng)
    form = rng.choice(_ANSWERS)
    text = form.format(fact=fact, Fact=upper_first(fact), x=said.x, X=upper_first(said.x))
    return f"{text} {rng.choice(_TAILS)}" if rng.random() < 0.15 else text


def _ask_one(said: _Said, rng: random.Random) -> list[Turn]:
    return exchange(_question(said, rng), _answer(said, rng))


def _ask_both(first: _Said, second: _Said, rng: random.Random) -> list[Turn]:
    """Two things in one question: "What is my dog called and where do I live?"."""
    clauses = [said.fill(rng.choice(said.question.asks)) for said in (first, second)]
    facts = [_fact(first, rng), _fact(second, rng)]
    return exchange(ask(" and ".join(clauses), rng), upper_first(f"{' and '.join(facts)}."))


def _ask_everything(said: Sequence[_Said], rng: random.Random) -> list[Turn]:
    asks = ("what do you know about me", "what have I told you so far", "what did I tell you")
    facts = join_words([_fact(one, rng) for one in said])
    answers = ("You told me that {}.", "I know that {}.", "So far I know that {}.")
    return exchange(ask(rng.choice(asks), rng), rng.choice(answers).format(facts))


def _ask_unknown(known: Sequence[_Said], unknown: _Said, rng: random.Random) -> list[Turn]:
    about = to_you(unknown.fill(rng.choice(unknown.question.about)))
    fact = _fact(rng.choice(known), rng)
    return exchange(_question(unknown, rng), rng.choice(_UNKNOWN).format(about=about, fact=fact))


def _correct(said: _Said, words: Words, rng: random.Random) -> list[Turn]:
    """The user takes back what he said; from here on the new word is the right one."""
    old = said.x
    while said.x == old:
        said.fields = _more_fields(said.thing.draw(words, rng))
    fact = _fact(said, rng)
    reply = rng.choice(_CORRECTED).format(fact=fact, x=said.x, X=upper_first(said.x), old=old)
    wrong = rng.choice(_CORRECTIONS).format(x=said.fields[said.question.x])
    return exchange(say(wrong, rng), reply)


def _greeted(said: _Said, rng: random.Random) -> list[Turn]:
    """EuGPT asks first, and the user answers with the bare word."""
    clause = to_you(said.fill(said.question.asks[0]))
    greeting = rng.choice(_GREETINGS).format(ask=clause, Ask=upper_first(clause))
    bare = said.fields[said.question.x]
    return [*exchange(rng.choice(_HELLOS), greeting), *exchange(say(bare, rng), _ack(said, rng))]


def _filler(fillers: list[list[Turn]], words: Words, rng: random.Random) -> list[Turn]:
    """Give the first exchange of a short conversation, or nothing when none is fit."""
    for _ in range(8):
        turns = rng.choice(fillers)[:2] if fillers else []
        size = sum(len(turn.content.split()) for turn in turns)
        if len(turns) == 2 and size < 60 and not _STATES_A_FACT.search(turns[0].content):
            return fill_slots(turns, words, rng)
    return []


def _size(turns: Sequence[Turn]) -> int:
    return sum(len(turn.content.split()) for turn in turns)


def recall(words: Words, fillers: list[list[Turn]], rng: random.Random) -> list[Turn]:
    """One conversation of statements, small talk and questions."""
    *said, unknown = _draw(words, rng, rng.choice((1, 1, 2, 2, 3)) + 1)
    if len(said) == 1 and rng.random() < 0.25:
        return _same_message(said[0], rng)
    if len(said) > 1 and rng.random() < 0.25:
        return _same_message_both(said[0], said[1], rng)
    opening = _opening(said, words, rng)
    closing = _closing(said, unknown, rng)
    between: list[Turn] = []
    for _ in range(rng.choice((0, 0, 0, 0, 1, 1, 2, 3, 4))):
        more = _filler(fillers, words, rng)
        if _size([*opening, *between, *more, *closing]) <= _MAX_WORDS:
            between += more
    return [*opening, *between, *closing]


def _same_message(said: _Said, rng: random.Random) -> list[Turn]:
    return exchange(
        f"{_stop(_statement(said, rng), rng)} {_question(said, rng)}", _answer(said, rng)
    )


def _same_message_both(first: _Said, second: _Said, rng: random.Random) -> list[Turn]:
    statement = f"{_statement(first, rng)} and {second.fill(rng.choice(second.thing.statements))}"
    asked = rng.choice((first, second))
    turns = exchange(f"{_stop(statement, rng)} {_question(asked, rng)}", _answer(asked, rng))
    other = second if asked is first else first
    return turns + (_ask_one(other, rng) if rng.random() < 0.4 else [])


def _stop(statement: str, rng: random.Random) -> str:
    text = say(statement, rng)
    return text if text[-1] in ".!" else text + rng.choice((".", ","))


def _opening(said: list[_Said], words: Words, rng: random.Random) -> list[Turn]:
    """The statements: each in its own message, or two in one."""
    single = len(said[0].thing.questions) == 1
    if single and "{" not in said[0].question.asks[0] and rng.random() < 0.2:
        turns = _greeted(said[0], rng)
    elif len(said) > 1 and rng.random() < 0.5:
        glue = rng.choice((" and ", ", and ", ". ", ", "))
        second = said[1].fill(rng.choice(said[1].thing.statements))
        if glue == ". ":
            second = upper_first(second)
        reply = f"{_ack(said[0], rng)} {_ack(said[1], rng)}"
        turns = exchange(say(_statement(said[0], rng) + glue + second, rng), reply)
        rest = said[2:]
        return turns + [t for one in rest for t in _tell(one, rng)]
    else:
        turns = _tell(said[0], rng)
    if single and len(said) == 1 and rng.random() < 0.15:
        turns += _correct(said[0], words, rng)
    return turns + [t for one in said[1:] for t in _tell(one, rng)]


def _tell(said: _Said, rng: random.Random) -> list[Turn]:
    return exchange(say(_statement(said, rng), rng), _ack(said, rng))


def _closing(said: list[_Said], unknown: _Said, rng: random.Random) -> list[Turn]:
    """The questions, in another order than the statements."""
    order = rng.sample(said, k=len(said))
    style = rng.random()
    if style < 0.12:
        turns = _ask_unknown(said, unknown, rng) + _ask_one(order[0], rng)
    elif style < 0.2:
        turns = _ask_one(order[0], rng) + _ask_unknown(said, unknown, rng)
    elif len(said) > 1 and style < 0.35:
        turns = _ask_both(order[0], order[1], rng)
    elif len(said) > 1 and style < 0.42:
        turns = _ask_everything(said, rng)
    else:
        turns = [turn for one in order for turn in _ask_one(one, rng)]
    return turns
