"""Drills on small numbers: sums, comparing, counting, little word problems."""

from __future__ import annotations

import random

from inference.chat_template import Turn
from training.drills.wording import VOCABULARY, ask, exchange, in_words, upper_first


def arithmetic(words: dict[str, list[str]], rng: random.Random) -> list[Turn]:
    """One exchange with numbers up to about twenty."""
    make = rng.choices(
        (_sum, _times, _compare, _neighbour, _count, _story), weights=(5, 2, 2, 2, 2, 3)
    )[0]
    return make(rng)


def _written(rng: random.Random, *numbers: int) -> list[str]:
    """The same numbers all in digits or all in words."""
    is_digits = rng.random() < 0.5
    return [str(n) if is_digits else in_words(n) for n in numbers]


def _sum(rng: random.Random) -> list[Turn]:
    total = rng.randint(1, 20)
    part = rng.randint(0, total)
    if rng.random() < 0.5:
        left, sign, right, result = part, "plus", total - part, total
    else:
        left, sign, right, result = total, "minus", part, total - part
    return _calculation(rng, left, sign, right, result)


def _times(rng: random.Random) -> list[Turn]:
    left, right = rng.randint(1, 5), rng.randint(1, 5)
    if rng.random() < 0.2:
        left = 10
    return _calculation(rng, left, "times", right, left * right)


def _calculation(rng: random.Random, left: int, sign: str, right: int, result: int) -> list[Turn]:
    a, b, c = _written(rng, left, right, result)
    shown = {"plus": "+", "minus": "-", "times": "*"}[sign] if a.isdigit() else sign
    term = rng.choice((f"{a} {sign} {b}", f"{a} {shown} {b}"))
    clause = rng.choice(
        (
            f"what is {term}",
            f"what's {term}",
            f"how much is {term}",
            term,
            f"can you tell me what {term} is",
            f"calculate {term}",
        )
    )
    answer = rng.choice(
        (
            f"{upper_first(a)} {sign} {b} is {c}.",
            f"{upper_first(c)}.",
            f"That is {c}.",
            f"It is {c}.",
            f"{upper_first(c)}. {upper_first(a)} {sign} {b} is {c}.",
        )
    )
    return exchange(ask(clause, rng), answer)


def _compare(rng: random.Random) -> list[Turn]:
    left, right = rng.sample(range(1, 51), k=2)
    word, other, wanted = rng.choice(
        (("bigger", "smaller", max(left, right)), ("smaller", "bigger", min(left, right)))
    )
    a, b, c, d = _written(rng, left, right, wanted, left + right - wanted)
    clause = rng.choice(
        (
            f"which is {word}, {a} or {b}",
            f"which number is {word}, {a} or {b}",
            f"what is {word}: {a} or {b}",
        )
    )
    answer = rng.choice(
        (
            f"{upper_first(c)} is {word} than {d}.",
            f"{upper_first(c)} is {word}.",
            f"{upper_first(c)}.",
            f"{upper_first(c)} is the {word} one, {d} is {other}.",
        )
    )
    return exchange(ask(clause, rng), answer)


def _neighbour(rng: random.Random) -> list[Turn]:
    word, step = rng.choice((("after", 1), ("before", -1)))
    number = rng.randint(1, 30)
    a, b = _written(rng, number, number + step)
    clause = rng.choice(
        (
            f"which number comes {word} {a}",
            f"what comes {word} {a}",
            f"what number is right {word} {a}",
            f"what is the number {word} {a}",
        )
    )
    answer = rng.choice(
        (f"{upper_first(b)} comes {word} {a}.", f"{upper_first(b)}.", f"It is {b}.")
    )
    return exchange(ask(clause, rng), answer)


def _count(rng: random.Random) -> list[Turn]:
    first, last = (1, rng.randint(3, 12)) if rng.random() < 0.7 else (rng.randint(2, 6), 10)
    numbers = list(range(first, last + 1))
    if rng.random() < 0.35:
        numbers.reverse()
    a, b = _written(rng, numbers[0], numbers[-1])
    clause = f"count from {a} to {b}"
    if numbers[0] == 1:
        clause = rng.choice((clause, f"count to {b}", f"can you count to {b}"))
    if numbers[0] > numbers[-1]:
        clause = rng.choice((clause, f"count down from {a} to {b}"))
    listed = ", ".join(_written(rng, *numbers))
    return exchange(ask(clause, rng), upper_first(listed) + ".")


def _story(rng: random.Random) -> list[Turn]:
    goods = rng.choice(VOCABULARY["goods"])
    if rng.random() < 0.5:
        have, change = rng.randint(2, 10), rng.randint(2, 10)
        result, sign = have + change, "plus"
        verb = rng.choice(("get", "find", "buy"))
        second = f"{verb} {{}} more"
    else:
        have = rng.randint(4, 20)
        change = rng.randint(2, have - 2)
        result, sign = have - change, "minus"
        second = rng.choice(("lose {}", "give away {}", "give {} to a friend"))
    a, b, c = _written(rng, have, change, result)
    second = second.format(b)
    text = rng.choice(
        (
            f"I have {a} {goods} and {second}. How many {goods} do I have now?",
            f"if i have {a} {goods} and {second}, how many do i have?",
            f"I have {a} {goods}. I {second}. How many are there now?",
        )
    )
    answer = rng.choice(
        (
            f"You have {c} {goods} now.",
            f"{upper_first(c)} {goods}, because {a} {sign} {b} is {c}.",
            f"{upper_first(a)} {sign} {b} is {c}, so you have {c} {goods}.",
            f"Then you have {c} {goods}.",
        )
    )
    return exchange(text, answer)
