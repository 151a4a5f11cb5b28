"""What a user may tell of himself, and how it is asked for later. Tables only.

Every clause is in the user's person ("my cat is called {x}"); `wording.to_you` turns it into the
reply's. `{x}` is what has to be copied, other fields come from the thing's draw; `{a_x}` is `{x}`
with its article and `{X}` is it with a capital letter.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from training.drills.wording import in_words, join_words, made_up_name, made_up_place

Words = dict[str, list[str]]
Draw = Callable[[Words, random.Random], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that can be asked of what was said.

    `about` follows "Do you remember …"; `facts` are the whole answer; `x` names the field that
    answers alone.
    """

    about: tuple[str, ...]
    asks: tuple[str, ...]
    facts: tuple[str, ...]
    x: str = "x"


@dataclass(frozen=True, slots=True)
class Thing:
    """Something the user says. With one question, that question's facts are statements too."""

    draw: Draw
    questions: tuple[Question, ...]
    says: tuple[str, ...] = ()
    acks: tuple[str, ...] = ()
    weight: int = 1

    @property
    def statements(self) -> tuple[str, ...]:
        return self.says + (self.questions[0].facts if len(self.questions) == 1 else ())


def _person(words: Words, rng: random.Random) -> str:
    known = words["name"] + words["friend"]
    return made_up_name(rng) if rng.random() < 0.5 else rng.choice(known)


def _from(name: str, *more: str, before: str = "") -> Draw:
    def draw(words: Words, rng: random.Random) -> dict[str, str]:
        return {"x": before + rng.choice([*words[name], *more])}

    return draw


def _name(words: Words, rng: random.Random) -> dict[str, str]:
    return {"x": _person(words, rng)}


def _pet(words: Words, rng: random.Random) -> dict[str, str]:
    name = made_up_name(rng) if rng.random() < 0.4 else rng.choice(words["pet_name"])
    return {"pet": rng.choice([*words["pet"], "pony", "canary", "lizard", "ferret"]), "x": name}


def _relative(words: Words, rng: random.Random) -> dict[str, str]:
    more = ("neighbour", "boss", "teacher", "best friend", "friend", "doctor", "colleague")
    return {"who": rng.choice([*words["relative"], *more]), "x": _person(words, rng)}


def _town(words: Words, rng: random.Random) -> dict[str, str]:
    return {"x": made_up_place(rng) if rng.random() < 0.35 else rng.choice(words["city"])}


def _age(words: Words, rng: random.Random) -> dict[str, str]:
    age = rng.randint(6, 90)
    return {"x": rng.choice((str(age), in_words(age)))}


def _number(words: Words, rng: random.Random) -> dict[str, str]:
    number = rng.randint(2, 99)
    return {"x": rng.choice((str(number), in_words(number)))}


def _code(words: Words, rng: random.Random) -> dict[str, str]:
    return {"x": "".join(rng.choice("0123456789") for _ in range(rng.randint(3, 4)))}


def _password(words: Words, rng: random.Random) -> dict[str, str]:
    word = rng.choice(words[rng.choice(("animal", "fruit", "flower", "vegetable", "color"))])
    return {"x": made_up_name(rng).lower() if rng.random() < 0.4 else word}


def _plan(words: Words, rng: random.Random) -> dict[str, str]:
    day, place = rng.choice(words["day"]), rng.choice(words["place"])
    return {"day": day, "place": place, "x": _person(words, rng)}


def _shopping(words: Words, rng: random.Random) -> dict[str, str]:
    goods = [*words["food"], *words["drink"], "eggs", "butter", "cheese", "apples", "flour", "soap"]
    return {"x": join_words(rng.sample(goods, k=rng.randint(2, 4)))}


def _moved(words: Words, rng: random.Random) -> dict[str, str]:
    city = made_up_place(rng) if rng.random() < 0.3 else rng.choice(words["city"])
    return {"x": city, "country": rng.choice(words["country"])}


def _gift(words: Words, rng: random.Random) -> dict[str, str]:
    return {"x": rng.choice(words["gift"]), "who": rng.choice(words["relative"])}


def _lost(words: Words, rng: random.Random) -> dict[str, str]:
    things = [w for w in words["object"] if w != "pair of shoes"] + ["key", "ring", "wallet"]
    return {"thing": rng.choice(things), "x": rng.choice(words["place"])}


def _favourite(kind: str, name: str, *more: str, before: str = "", ask: str = "") -> Thing:
    """A favourite of one kind: "my favourite colour is red"."""
    return Thing(
        _from(name, *more, before=before),
        (
            Question(
                (f"my favourite {kind}", f"what my favourite {kind} is", f"which {kind} I like"),
                (
                    f"what is my favourite {kind}",
                    f"what's my favourite {kind}",
                    f"which {kind} do I like best",
                    f"what {kind} do I like most",
                    f"which {kind} did I say is my favourite",
                    *((ask,) if ask else ()),
                ),
                (f"my favourite {kind} is {{x}}",),
            ),
        ),
        says=(
            f"my favorite {kind} is {{x}}",
            f"{{x}} is my favourite {kind}",
            f"the {kind} I like best is {{x}}",
            f"of every {kind} I know, I like {{x}} best",
        ),
        acks=(
            "{X} is a good choice.",
            "{X}, I see. A fine favourite!",
            f"So {{x}} is your favourite {kind}. Good taste!",
            f"{{X}} it is. What makes it your favourite {kind}?",
        ),
    )


THINGS: tuple[Thing, ...] = (
    Thing(
        _name,
        (
            Question(
                ("my name", "what my name is", "who I am", "what I am called"),
                (
                    "what is my name",
                    "what's my name",
                    "who am I",
                    "what am I called",
                    "do you know my name",
                    "do you still know what I am called",
                    "can you say my name",
                    "which name did I give you",
                    "how did I introduce myself",
                ),
                ("my name is {x}", "I am called {x}", "I am {x}"),
            ),
        ),
        says=(
            "I'm {x}",
            "hi, I'm {x}",
            "hello, my name is {x}",
            "you can call me {x}",
            "call me {x}",
            "people call me {x}",
            "{x} is my name",
            "hi, {x} here",
            "the name is {x}",
        ),
        acks=(
            "Nice to meet you, {x}!",
            "Hello {x}! What shall we talk about?",
            "Hi {x}, I'm EuGPT. It is good to meet you.",
            "{x}, what a nice name! How are you today?",
            "Welcome, {x}! How is your day going?",
            "A pleasure, {x}.",
        ),
        weight=5,
    ),
    Thing(
        _pet,
        (
            Question(
                ("my {pet}'s name", "the name of my {pet}", "what my {pet} is called"),
                (
                    "what is my {pet} called",
                    "what's my {pet}'s name",
                    "what is the name of my {pet}",
                    "how is my {pet} called",
                    "do you know my {pet}'s name",
                    "which name does my {pet} have",
                    "what do I call my {pet}",
                ),
                ("my {pet} is called {x}", "my {pet}'s name is {x}", "the name of my {pet} is {x}"),
            ),
            Question(
                ("which animal I have", "what kind of pet I have"),
                (
                    "what kind of animal is {x}",
                    "what pet do I have",
                    "which animal lives with me",
                    "who is {x}",
                    "is {x} a fish, a bird or what",
                ),
                ("{x} is my {pet}", "I have {a_pet} called {x}"),
                x="a_pet",
            ),
        ),
        says=(
            "I have {a_pet} called {x}",
            "I have {a_pet} named {x}",
            "my {pet} is called {x}",
            "my {pet}'s name is {x}",
            "{x} is my {pet}",
            "we have {a_pet} at home, {x}",
            "there is {a_pet} in my life and the name is {x}",
            "I got {a_pet}, I named it {x}",
        ),
        acks=(
            "{x} is a lovely name for {a_pet}!",
            "{a_pet_up} called {x}, how sweet!",
            "Say hello to {x} from me.",
            "I would like to hear more about {x}. Is your {pet} still young?",
            "So your {pet} is {x}. Who chose that name?",
        ),
        weight=5,
    ),
    Thing(
        _relative,
        (
            Question(
                ("my {who}'s name", "the name of my {who}", "what my {who} is called"),
                (
                    "what is my {who} called",
                    "what's my {who}'s name",
                    "what is the name of my {who}",
                    "what is my {who}'s name",
                    "do you know my {who}'s name",
                    "who is my {who}",
                    "which name does my {who} have",
                ),
                ("my {who} is called {x}", "my {who}'s name is {x}", "the name of my {who} is {x}"),
            ),
        ),
        says=(
            "{x} is my {who}",
            "my {who} {x} is visiting today",
            "I talked to {x}, my {who}",
            "I have known my {who} {x} for a long time",
            "I am having lunch with my {who}, {x}",
            "I miss my {who} {x} a lot",
        ),
        acks=(
            "{x} sounds like someone you care about.",
            "So {x} is your {who}. How is {x}?",
            "Give {x} my greetings.",
            "It is good to hear about your {who} {x}.",
            "Tell me more about {x}!",
        ),
        weight=5,
    ),
    Thing(
        _town,
        (
            Question(
                ("where I live", "my town", "the town I live in"),
                (
                    "where do I live",
                    "which city do I live in",
                    "what town do I live in",
                    "where is my home",
                    "what is my town called",
                    "where did I say I live",
                    "in which city is my home",
                ),
                ("I live in {x}", "my home is in {x}"),
            ),
        ),
        says=(
            "I'm living in {x}",
            "I live in {x} now",
            "my flat is in {x}",
            "home is {x} for me",
            "I have lived in {x} for years",
        ),
        acks=(
            "{x} must have many stories. Do you like it there?",
            "What do you like most about {x}?",
            "So {x} is home for you.",
            "Living in {x} sounds interesting!",
            "Greetings to {x}! Is it quiet where you live?",
        ),
        weight=3,
    ),
    Thing(
        _moved,
        (
            Question(
                ("which country I come from", "where I am from", "my home country"),
                (
                    "where am I from",
                    "which country do I come from",
                    "what is my home country",
                    "where do I come from",
                    "in which country was I born",
                ),
                ("I come from {country}", "I am from {country}"),
                x="country",
            ),
            Question(
                ("where I moved to", "which city I moved to"),
                ("where did I move to", "which city did I move to", "where do I live now"),
                ("I moved to {x}", "I live in {x} now"),
            ),
        ),
        says=(
            "I come from {country} but I moved to {x}",
            "I was born in {country} and now I live in {x}",
            "I am from {country}, but my home is in {x} now",
            "I moved from {country} to {x} last year",
        ),
        acks=(
            "From {country} to {x}, that is quite a change!",
            "Do you miss {country} sometimes, now that you live in {x}?",
            "I hope {x} is treating you well.",
        ),
    ),
    Thing(
        _from("country"),
        (
            Question(
                ("which country I come from", "where I am from", "my home country"),
                (
                    "where am I from",
                    "which country am I from",
                    "what country do I come from",
                    "where do I come from",
                    "what is my home country",
                ),
                ("I come from {x}", "I am from {x}", "my home country is {x}"),
            ),
        ),
        says=("I'm from {x}", "I was born in {x}", "my family is from {x}, and so am I"),
        acks=(
            "{x} is a country I would love to hear more about.",
            "What do you like most about {x}?",
            "So you come from {x}. Do you still live there?",
        ),
    ),
    Thing(
        _from("job", "plumber", "tailor", "librarian", "carpenter", "lawyer", "mechanic", "vet"),
        (
            Question(
                ("my job", "what my job is", "what I do for a living"),
                (
                    "what is my job",
                    "what's my job",
                    "what do I do for a living",
                    "what do I do for work",
                    "what kind of work do I do",
                    "which job do I have",
                    "what did I say I work as",
                ),
                ("I am {a_x}", "I work as {a_x}"),
                x="a_x",
            ),
        ),
        says=(
            "I'm {a_x}",
            "my job is being {a_x}",
            "I work as {a_x} in a small town",
            "I have been {a_x} for ten years",
            "I just started as {a_x}",
        ),
        acks=(
            "Being {a_x} takes skill. Do you enjoy it?",
            "So you are {a_x}! What does a normal day look like?",
            "{a_x_up}, that is an important job.",
            "I imagine every day is different for {a_x}.",
        ),
        weight=2,
    ),
    Thing(
        _from("hobby", "sewing", "surfing", "origami", "magic tricks", "stargazing", "karate"),
        (
            Question(
                ("my hobby", "what my hobby is", "what I do in my free time"),
                (
                    "what is my hobby",
                    "what's my hobby",
                    "what do I like to do in my free time",
                    "which hobby do I have",
                    "what do I enjoy doing",
                    "what did I say I do for fun",
                ),
                ("my hobby is {x}", "I enjoy {x}", "I like {x} in my free time"),
            ),
        ),
        says=("I love {x}", "{x} is my hobby", "I do a lot of {x}", "I am really into {x}"),
        acks=(
            "{X} is a wonderful way to spend time.",
            "How did you start with {x}?",
            "{X}! What do you like most about it?",
            "Time with {x} is time well spent.",
        ),
        weight=2,
    ),
    Thing(
        _age,
        (
            Question(
                ("my age", "how old I am"),
                (
                    "how old am I",
                    "what is my age",
                    "what's my age",
                    "how many years old am I",
                    "which age did I tell you",
                    "do you know how old I am",
                ),
                ("I am {x} years old", "I am {x}"),
            ),
        ),
        says=(
            "I'm {x} years old",
            "I turned {x} last week",
            "my age is {x}",
            "I am {x} now",
        ),
        acks=(
            "{X} is a good age.",
            "{X} years, and I am sure every one has a story.",
            "So you are {x}. How does it feel?",
            "{X}! May this year be a kind one.",
        ),
        weight=2,
    ),
    Thing(
        _number,
        (
            Question(
                ("my lucky number", "what my lucky number is"),
                (
                    "what is my lucky number",
                    "what's my lucky number",
                    "which number brings me luck",
                    "what number did I tell you",
                    "which number is my lucky one",
                ),
                ("my lucky number is {x}", "the number that brings me luck is {x}"),
            ),
        ),
        says=("{x} is my lucky number", "I have a lucky number, it is {x}"),
        acks=("May {x} bring you luck!", "{X} is a fine number.", "Has {x} brought you luck yet?"),
    ),
    Thing(
        _code,
        (
            Question(
                ("the number of my room", "my room number"),
                (
                    "what is my room number",
                    "which room do I have",
                    "what's the number of my room",
                    "which room am I in",
                ),
                ("my room number is {x}", "I have room {x}"),
            ),
        ),
        says=("I am in room {x}", "the hotel gave me room {x}", "my room is number {x}"),
        acks=("Room {x}, I have it.", "I hope room {x} has a nice view.", "Room {x}, noted."),
    ),
    Thing(
        _password,
        (
            Question(
                ("the secret word", "what the secret word is", "our secret word"),
                (
                    "what is the secret word",
                    "what's the secret word",
                    "which word was the secret one",
                    "what was our secret word",
                    "do you know the secret word",
                ),
                ("the secret word is {x}", "our secret word is {x}"),
            ),
        ),
        says=(
            "let's have a secret word: {x}",
            "remember the secret word {x}",
            "I will tell you a secret word, {x}",
        ),
        acks=(
            "{X}, our secret word. I will keep it in mind.",
            "The secret word is {x}. Ask me whenever you like.",
            "Good, {x} it is.",
        ),
        weight=2,
    ),
    Thing(
        _plan,
        (
            Question(
                ("where I am going", "where I want to go on {day}"),
                ("where am I going on {day}", "where do I want to go", "which place will I visit"),
                ("I am going to the {place}", "I will go to the {place} on {day}"),
                x="the_place",
            ),
            Question(
                ("when I am going", "which day I chose"),
                ("when am I going to the {place}", "on which day will I go", "which day is it"),
                ("I am going on {day}", "I will go to the {place} on {day}"),
                x="on_day",
            ),
            Question(
                ("who comes with me", "who I am going with"),
                ("who comes with me", "who am I going with", "who will be at the {place} with me"),
                ("{x} comes with me", "I am going to the {place} with {x}"),
            ),
        ),
        says=(
            "on {day} I am going to the {place} with {x}",
            "I will go to the {place} with {x} on {day}",
            "{x} and I want to go to the {place} on {day}",
            "my plan for {day}: the {place} with {x}",
            "I am meeting {x} at the {place} on {day}",
        ),
        acks=(
            "The {place} with {x} sounds lovely!",
            "{day} at the {place}, I hope you and {x} have a good time.",
            "A good plan for {day}. Is {x} looking forward to it too?",
        ),
        weight=4,
    ),
    Thing(
        _shopping,
        (
            Question(
                ("what I need to buy", "my shopping list", "what is on my list"),
                (
                    "what do I need to buy",
                    "what is on my shopping list",
                    "what was on my list",
                    "what did I want to buy",
                    "what should I get at the shop",
                ),
                ("I need to buy {x}", "I want to buy {x}"),
            ),
        ),
        says=(
            "my shopping list: {x}",
            "I have to get {x} today",
            "please remember my shopping list: {x}",
            "on my list are {x}",
        ),
        acks=(
            "I have your list: {x}.",
            "{X}, got it.",
            "That is a good list. Is anything missing?",
            "Noted: {x}.",
        ),
        weight=2,
    ),
    Thing(
        _gift,
        (
            Question(
                ("what I bought for my {who}", "my present for my {who}"),
                (
                    "what did I buy for my {who}",
                    "what is my {who} getting",
                    "which present do I have for my {who}",
                    "what's my present for my {who}",
                ),
                ("I bought {x} for my {who}", "my present for my {who} is {x}"),
            ),
            Question(
                ("who the present is for",),
                ("who is the present for", "who did I buy a present for", "who gets {x}"),
                ("the present is for my {who}", "I bought it for my {who}"),
                x="my_who",
            ),
        ),
        says=(
            "I bought {x} for my {who}",
            "I got my {who} {x} as a present",
            "my {who} will get {x} from me",
        ),
        acks=(
            "Your {who} will be happy about it.",
            "{X} is a kind present for your {who}.",
            "What a thoughtful idea!",
        ),
    ),
    Thing(
        _lost,
        (
            Question(
                ("where I left my {thing}", "where my {thing} is"),
                ("where is my {thing}", "where did I leave my {thing}", "where was my {thing}"),
                ("I left my {thing} at the {x}", "my {thing} is at the {x}"),
                x="at_the_x",
            ),
            Question(
                ("what I left at the {x}",),
                ("what did I leave at the {x}", "what is still at the {x}"),
                ("I left my {thing} at the {x}",),
                x="my_thing",
            ),
        ),
        says=(
            "I left my {thing} at the {x}",
            "oh no, my {thing} is still at the {x}",
            "I forgot my {thing} at the {x}",
        ),
        acks=(
            "I hope your {thing} is still at the {x}.",
            "Can you go back to the {x} for it?",
            "Oh dear, your {thing}! Maybe someone kept it for you.",
        ),
    ),
    _favourite("colour", "color", "turquoise", "violet", "beige", "dark blue", "mint green"),
    _favourite("food", "food", "lasagne", "ramen", "risotto", "couscous", "toast", "porridge"),
    _favourite("drink", "drink", "cola", "ginger tea", "tomato juice", "iced tea", "cocoa"),
    _favourite("dessert", "dessert", "apple cake", "jelly", "custard", "gingerbread"),
    _favourite("fruit", "fruit", "papaya", "fig", "apricot", "raspberry"),
    _favourite("sport", "sport", "rowing", "judo", "table tennis", "climbing", "baseball"),
    _favourite("flower", "flower", "violet", "poppy", "jasmine", "peony", before="the "),
    _favourite("animal", "animal", "panda", "koala", "swan", "kangaroo", "eagle", before="the "),
    _favourite("season", "season"),
    _favourite("day", "day"),
    _favourite("month", "month"),
    _favourite("subject", "subject", ask="what do I like most at school"),
    Thing(
        _from("instrument", "accordion", "clarinet", "banjo", "oboe"),
        (
            Question(
                ("my instrument", "which instrument I play"),
                (
                    "which instrument do I play",
                    "what instrument do I play",
                    "what do I play",
                    "what is my instrument",
                    "what am I learning to play",
                ),
                ("I play the {x}", "my instrument is the {x}"),
                x="the_x",
            ),
        ),
        says=("I'm learning the {x}", "I play the {x} in a band", "I practise the {x} every day"),
        acks=(
            "The {x}, how nice!",
            "How long have you played the {x}?",
            "I would love to hear you play the {x}.",
        ),
        weight=2,
    ),
)
