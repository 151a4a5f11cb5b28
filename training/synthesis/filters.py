"""Whether a turn that was just written may stay: one named fault, or none. Knows no tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence

from inference.chat_template import Turn
from training.evaluation.probes import normalize
from training.synthesis import rules

USER_WORDS, REPLY_WORDS = 40, 85  # as in data/smalltalk/check.py
_SHORT = 2  # words that anybody may say again
_GRAM = 4
_COPIED = 0.7  # of the runs of four words: an answer may take up its question
_QUOTED = re.compile(r'"[^"]*"')
_SENTENCE = re.compile(r"[^.!?]+[.!?]*")

_unsafe = re.compile("|".join(rules.UNSAFE))
_claims = re.compile("|".join(rules.CLAIMS))
_hypothetical = re.compile(rules.HYPOTHETICAL)
_markup = re.compile(rules.MARKUP)
_own_name, _i_am_name = re.compile(rules.OWN_NAME), re.compile(rules.I_AM_NAME)
_user_name = [re.compile(pattern) for pattern in rules.USER_NAME]


def turn_fault(turns: Sequence[Turn]) -> str | None:
    """Name what is wrong with the last turn, in the light of those before it; None if nothing."""
    role, text = turns[-1]
    if not has_form(text, is_reply=role == "assistant"):
        return "form"
    limit = REPLY_WORDS if role == "assistant" else USER_WORDS
    if len(text.split()) > limit:
        return "length"
    if _unsafe.search(text.lower()):
        return "unsafe"
    if has_repeated_gram(text):
        return "repeated words"
    if is_said_again(turns):
        return "repeated turn"
    if len(turns) > 1 and is_copy(text, turns[-2].content):
        return "copies the other"
    if role == "assistant":
        return _reply_fault(text, [t.content for t in turns if t.role == "user"])
    return None


def _reply_fault(text: str, said: list[str]) -> str | None:
    if contradicts_identity(text):
        return "identity"
    return "invented name" if invents_name(text, " ".join(said)) else None


def has_form(text: str, *, is_reply: bool) -> bool:
    """Printable ASCII on one line, no markup; a reply also begins and ends as a sentence does."""
    if not text.isascii() or not text.isprintable() or _markup.search(text) or "  " in text:
        return False
    if not any(c.isalnum() for c in text):
        return False
    if not is_reply:
        return True
    begins = text[0].isupper() or text[0].isdigit() or text[0] in "\"'("
    return begins and text.rstrip("\"')")[-1:] in (".", "!", "?") and text.count('"') % 2 == 0


def is_said_again(turns: Sequence[Turn]) -> bool:
    """Whether the last turn equals an earlier one of its role; "yes" and "ok" may come again."""
    role, text = turns[-1]
    if role == "user" and len(text.split()) <= _SHORT:
        return False
    said = normalize(text)
    return any(t.role == role and normalize(t.content) == said for t in turns[:-1])


def has_repeated_gram(text: str) -> bool:
    grams = _grams(text)
    return len(set(grams)) < len(grams)


def is_copy(text: str, other: str) -> bool:
    """Whether most of the text was said just before (all of it, if it is short)."""
    grams, of_other = _grams(text), set(_grams(other))
    if not grams:
        return normalize(text) == normalize(other)
    return sum(g in of_other for g in grams) >= _COPIED * len(grams)


def _grams(text: str) -> list[tuple[str, ...]]:
    words = normalize(text).split()
    return [tuple(words[i : i + _GRAM]) for i in range(len(words) - _GRAM + 1)]


def contradicts_identity(reply: str) -> bool:
    """Whether the reply claims a body, a life, a family or another name as its own."""
    text = _QUOTED.sub("", reply)
    names = _own_name.findall(text) + _i_am_name.findall(text)
    if any(name.lower() not in (rules.NAME, *rules.NO_NAMES) for name in names):
        return True
    return any(
        _claims.search(sentence) and not _hypothetical.search(sentence)
        for sentence in _SENTENCE.findall(text.lower())
    )


def invents_name(reply: str, said: str) -> bool:
    """Whether the reply calls the user by a name that the user never gave."""
    known = {*normalize(said).split(), *rules.NO_NAMES}
    names = [name for pattern in _user_name for name in pattern.findall(reply)]
    return any(name.lower() not in known for name in names)
