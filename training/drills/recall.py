"""Drills of recall: the user says something, small talk goes by, and the user asks for it."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from inference.chat_template import Turn
from training.drills import phrases
from training.drills.things import Fields, Question, Thing, Words, read_things
from training.drills.wording import ask, exchange, join_words, say, to_you, upper_first
from training.smalltalk import fill_slots

_MAX_WORDS = 190  # about 280 tokens, so that the conversation fits into one row
# A filler that states a fact of the user's own would make two answers right; grief and danger
# do not go with a quiz.
_UNFIT_FILLER = re.compile(
    r"\b(my|our|i am|i'm|im|call me|i live|i have|i've|i play|i love|i like|i work|i come|i was"
    r"|i need|i bought|remember|forg[eo]t|die|died|dead|kill|hurt\w*|suicide|disappear|funeral"
    r"|bye|goodbye|good night|this is|it's me|here|accident|want it all|alone|lonely|scared)\b",
    re.IGNORECASE,
)


class _Said:
    """One thing with its words drawn and the question that will be asked about it.

    `keys` are what must differ between two things of one conversation.
    """

    def __init__(self, thing: Thing, fields: Fields, question: Question) -> None:
        self.thing, self.fields, self.question = thing, fields, question
        self.keys = {self.fill(q.about[0]) for q in thing.questions} | {fields["x"]}

    def fill(self, text: str) -> str:
        return text.format_map(self.fields)

    @property
    def x(self) -> str:
        """The bare answer, as said to the user."""
        return to_you(self.fields[self.question.x])

    def fact(self, rng: random.Random) -> str:
        return to_you(self.fill(rng.choice(self.question.facts)))

    def statement(self, rng: random.Random, *, is_joined: bool = False) -> str:
        clause = self.fill(rng.choice(self.thing.statements))
        if is_joined:
            return clause
        before = rng.choice(phrases.PLEASE if rng.random() < 0.12 else phrases.BEFORE_SAY)
        if re.match(
            r"(hi|hello|oh|let's|don't|please|remember|on my|my plan|my shopping)\b", clause
        ):
            before = ""
        return before + clause

    def ack(self, rng: random.Random) -> str:
        if self.thing.acks and rng.random() < 0.65:
            return self.fill(rng.choice(self.thing.acks))
        fact = self.fact(rng)
        return rng.choice(phrases.ACKS).format(fact=fact, Fact=upper_first(fact))

    def ask(self, rng: random.Random) -> str:
        if rng.random() < 0.3:
            about = self.fill(rng.choice(self.question.about))
            return rng.choice(phrases.AROUND_ABOUT).format(about)
        return self.fill(rng.choice(self.question.asks))

    def answer(self, rng: random.Random, question: str = "") -> str:
        fact = self.fact(rng)
        forms = {"fact": fact, "Fact": upper_first(fact), "X": upper_first(self.x)}
        if rng.random() < 0.12:
            return f"{forms['Fact']}. {rng.choice(phrases.TAILS)}"
        is_yes_or_no = re.search(r"\b(do you|can you|could you|have I|did I) ", question)
        answers = phrases.ANSWERS + (phrases.YES_ANSWERS if is_yes_or_no else ())
        return rng.choice(answers).format_map(forms)


def recall(words: Words, fillers: list[list[Turn]], rng: random.Random) -> list[Turn]:
    """One conversation of statements, small talk and questions."""
    said = _draw(words, rng, rng.choice((1, 1, 2, 2, 3)))
    if rng.random() < 0.25:
        return _same_message(said, rng)
    opening = _opening(said, words, rng)
    closing = _closing(said, words, rng)
    between: list[Turn] = []
    for _ in range(rng.choice((0, 0, 0, 0, 1, 1, 2, 3, 4))):
        more = _filler(fillers, words, rng)
        if _size([*opening, *between, *more, *closing]) <= _MAX_WORDS:
            between += more
    return [*opening, *between, *closing]


def _draw(words: Words, rng: random.Random, n: int) -> list[_Said]:
    """Draw `n` things that have no answer in common, at times of one group."""
    chosen: list[_Said] = []
    is_one_group = rng.random() < 0.25
    while len(chosen) < n:
        said = _draw_one(words, rng, chosen[0].thing.group if chosen and is_one_group else "")
        is_one_group = is_one_group and rng.random() < 0.9  # a group may have one member only
        if all(said.keys.isdisjoint(other.keys) for other in chosen):
            chosen.append(said)
    return chosen


def _draw_one(words: Words, rng: random.Random, group: str = "") -> _Said:
    things = [thing for thing in read_things() if group in ("", thing.group)]
    thing = rng.choices(things, weights=[thing.weight for thing in things])[0]
    return _Said(thing, thing.draw(words, rng), rng.choice(thing.questions))


def _draw_unknown(known: Sequence[_Said], words: Words, rng: random.Random) -> _Said:
    """Draw something that was not said, half of the time close to what was."""
    taken = {key for said in known for key in said.keys}
    while True:
        said = _draw_one(words, rng, known[0].thing.group if rng.random() < 0.5 else "")
        said.question = said.thing.questions[0]
        if said.fill(said.question.about[0]) not in taken:
            return said


# --- the statements ---------------------------------------------------------------------------


def _opening(said: list[_Said], words: Words, rng: random.Random) -> list[Turn]:
    """The statements: each in its own message, or two in one."""
    first, *rest = said
    single = len(first.thing.questions) == 1
    if single and "{" not in first.question.asks[0] and rng.random() < 0.2:
        turns = _greeted(first, rng)
    elif rest and rng.random() < 0.4:
        turns, rest = _tell_both(first, rest[0], rng), rest[1:]
    else:
        turns = exchange(say(first.statement(rng), rng), first.ack(rng))
    if single and len(said) == 1 and rng.random() < 0.2:
        turns += _correct(first, words, rng)
    for one in rest:
        turns += exchange(say(one.statement(rng), rng), one.ack(rng))
    return turns


def _tell_both(first: _Said, second: _Said, rng: random.Random) -> list[Turn]:
    statement = _join(first, second, rng)
    facts = f"{first.fact(rng)} and {second.fact(rng)}"
    reply = rng.choice(phrases.ACKS).format(fact=facts, Fact=upper_first(facts))
    if rng.random() < 0.6:
        acks = [text for text in map(first.fill, first.thing.acks) if text.endswith(".")]
        reply = f"{rng.choice(acks or ['I see.'])} {second.ack(rng)}"
    return exchange(say(statement, rng), reply)


def _join(first: _Said, second: _Said, rng: random.Random) -> str:
    """Write two statements as one message."""
    left, right = first.statement(rng), second.statement(rng, is_joined=True)
    is_simple = not re.search(r"[:,]| and ", left + right) and not right.startswith("h")
    glue = rng.choice((" and ", ", and ", ". ", ", ")) if is_simple else ". "
    return left + glue + (upper_first(right) if glue == ". " else right)


def _greeted(said: _Said, rng: random.Random) -> list[Turn]:
    """EuGPT asks first, and the user answers with the bare word."""
    clause = to_you(said.fill(said.question.asks[0]))
    greeting = rng.choice(phrases.GREETINGS).format(ask=clause, Ask=upper_first(clause))
    bare = said.fields[said.question.x]
    return [
        *exchange(rng.choice(phrases.HELLOS), greeting),
        *exchange(say(bare, rng), said.ack(rng)),
    ]


def _correct(said: _Said, words: Words, rng: random.Random) -> list[Turn]:
    """The user takes back what he said; from here on the new word is the right one."""
    old, new = said.x, said.thing.draw(words, rng)["x"]
    if new == said.fields["x"]:
        return []
    said.fields["x"] = new
    fact = said.fact(rng)
    reply = rng.choice(phrases.CORRECTED).format(
        fact=fact, x=said.x, X=upper_first(said.x), old=old
    )
    wrong = rng.choice(phrases.CORRECTIONS).format(x=said.fields[said.question.x])
    return exchange(say(wrong, rng), reply)


# --- the questions ----------------------------------------------------------------------------


def _closing(said: list[_Said], words: Words, rng: random.Random) -> list[Turn]:
    """The questions, in another order than the statements."""
    first, *rest = rng.sample(said, k=len(said))
    style = rng.random()
    if style < 0.12:
        turns = _ask_unknown(said, words, rng) + _ask_one(first, rng)
    elif style < 0.2:
        turns = _ask_one(first, rng) + _ask_unknown(said, words, rng)
    elif style < 0.28:
        turns = _guess(first, words, rng) + [turn for one in rest for turn in _ask_one(one, rng)]
    elif style < 0.32:
        turns = _ask_one(first, rng) + _ask_eugpt(rng)
    elif rest and style < 0.45:
        turns = _ask_both(first, rest[0], rng)
    elif rest and style < 0.52:
        turns = _ask_everything(said, rng)
    else:
        turns = [turn for one in (first, *rest) for turn in _ask_one(one, rng)]
    return turns


def _question(said: _Said, rng: random.Random) -> str:
    return ask(rng.choice(phrases.BEFORE_ASK) + said.ask(rng), rng)


def _ask_one(said: _Said, rng: random.Random) -> list[Turn]:
    if said.question.tasks and rng.random() < 0.25:
        task, reply = rng.choice(said.question.tasks)
        return exchange(ask(said.fill(task), rng), said.fill(reply))
    question = _question(said, rng)
    return exchange(question, said.answer(rng, question))


def _ask_both(first: _Said, second: _Said, rng: random.Random) -> list[Turn]:
    """Two things in one question: "What is my dog called and where do I live?"."""
    clauses = [said.fill(rng.choice(said.question.asks)) for said in (first, second)]
    facts = f"{first.fact(rng)} and {second.fact(rng)}."
    return exchange(ask(" and ".join(clauses), rng), upper_first(facts))


def _ask_everything(said: Sequence[_Said], rng: random.Random) -> list[Turn]:
    facts = join_words([one.fact(rng) for one in said])
    asked = ask(rng.choice(phrases.WHAT_DO_YOU_KNOW), rng)
    return exchange(asked, rng.choice(phrases.ALL_I_KNOW).format(facts))


def _ask_unknown(known: Sequence[_Said], words: Words, rng: random.Random) -> list[Turn]:
    unknown = _draw_unknown(known, words, rng)
    about = to_you(unknown.fill(rng.choice(unknown.question.about)))
    fact = rng.choice(known).fact(rng)
    reply = rng.choice(phrases.UNKNOWN).format(about=about, fact=fact)
    return exchange(_question(unknown, rng), reply)


def _ask_eugpt(rng: random.Random) -> list[Turn]:
    return exchange(ask(rng.choice(phrases.YOUR_NAME), rng), rng.choice(phrases.I_AM_EUGPT))


def _guess(said: _Said, words: Words, rng: random.Random) -> list[Turn]:
    """The user states something again, at times wrongly, and asks whether it is right."""
    form = rng.choice(said.question.facts)
    fact = to_you(said.fill(form))
    wrong = dict(said.thing.draw(words, rng))
    guess = Fields({**said.fields, "x": wrong["x"]}) if "{x}" in form else said.fields
    claim = form.format_map(guess if rng.random() < 0.6 else said.fields)
    asked = rng.choice(phrases.RIGHT).format(claim)
    replies = phrases.YES if to_you(claim) == fact else phrases.NO
    return exchange(ask(asked, rng), rng.choice(replies).format(fact=fact))


def _same_message(said: list[_Said], rng: random.Random) -> list[Turn]:
    """Statement and question in one message, of one thing or two."""
    statement = _join(said[0], said[1], rng) if len(said) > 1 else said[0].statement(rng)
    first, *rest = rng.sample(said[:2], k=len(said[:2]))
    text, question = say(statement, rng), _question(first, rng)
    if text[-1] not in ".!":
        text += rng.choice((".", "," if question[0].islower() else "."))
    turns = exchange(f"{text} {question}", first.answer(rng, question))
    return turns + (_ask_one(rest[0], rng) if rest and rng.random() < 0.4 else [])


# --- between ----------------------------------------------------------------------------------


def _filler(fillers: list[list[Turn]], words: Words, rng: random.Random) -> list[Turn]:
    """Give the first exchange of a short conversation, or nothing when none is fit."""
    for _ in range(8):
        turns = rng.choice(fillers)[:2] if fillers else []
        text = " ".join(turn.content for turn in turns)
        if len(turns) == 2 and len(text.split()) < 60 and _is_fit(*turns):
            return fill_slots(turns, words, rng)
    return []


def _is_fit(user: Turn, assistant: Turn) -> bool:
    """A single word ("lily") would read as an answer; an emergency is no small talk."""
    is_calm = not re.search("emergency|crisis|parent|trust|police|doctor", assistant.content)
    return " " in user.content and is_calm and not _UNFIT_FILLER.search(user.content)


def _size(turns: Sequence[Turn]) -> int:
    return sum(len(turn.content.split()) for turn in turns)
