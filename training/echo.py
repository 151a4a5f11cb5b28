"""Exchanges that can only be answered by copying: "Repeat after me: …", with words of the slots.

A small model finds copying late, because few tokens of ordinary talk depend on it. Here every
second one does.
"""

from __future__ import annotations

import random

from inference.chat_template import Turn

_ASKS = (
    ("Repeat after me: {}.", "{}."),
    ("repeat after me: {}", "{}"),
    ("Please say: {}", "{}"),
    ("say {}", "{}"),
    ("Can you repeat these words? {}", "{}"),
    ("Remember these words: {}. What were they?", "The words were: {}."),
    ("my list is {}. what is on my list?", "On your list: {}."),
    ("I wrote down {}. What did I write down?", "You wrote down {}."),
)


def echo(words: dict[str, list[str]], rng: random.Random) -> list[Turn]:
    """One exchange over one to six words of any list."""
    everything = [word for name in sorted(words) for word in words[name]]
    chosen = rng.sample(everything, k=rng.randint(1, 6))
    ask, answer = rng.choice(_ASKS)
    said = rng.choice((", ", " and ", " ")).join(chosen)
    return [Turn("user", ask.format(said)), Turn("assistant", answer.format(said))]
