"""Bringing documents into one form: characters, white space, order of turns, length.

Knows no file formats and no tokens.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable

from inference.chat_template import Turn

MAX_TURN_WORDS = 200  # about 250 tokens: a longer turn leaves no room for its question
MAX_TEXT_WORDS = 260  # about 330 tokens of the 384 of a row; longer texts become several
_DROPPED = {"Cc", "Cf", "Cs", "Co", "Cn"}
_CONTROL = {i: None for i in [*range(32), 127] if not chr(i).isspace()}
_BLANKS = re.compile(r"[^\S\n]+")
_AROUND_BREAK = re.compile(r" ?\n ?")
_MANY_BREAKS = re.compile(r"\n{3,}")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')]*\s+")


def clean_text(text: str) -> str:
    """NFKC, no control or invisible characters, single spaces, at most one blank line."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii():
        text = text.translate(_CONTROL)
    else:
        text = "".join(_visible(c) for c in unicodedata.normalize("NFKC", text))
    text = _AROUND_BREAK.sub("\n", _BLANKS.sub(" ", text))
    return _MANY_BREAKS.sub("\n\n", text).strip()


def _visible(char: str) -> str:
    if char.isspace() or unicodedata.category(char) not in _DROPPED:
        return char
    return ""


def clean_turns(turns: Iterable[Turn]) -> list[Turn]:
    """Give a conversation whose roles alternate, user first, assistant last; [] if none is left.

    Neighbours of one role become one turn. A turn that is too long ends the conversation before
    its exchange: what follows would refer to something the model never saw.
    """
    merged: list[Turn] = []
    for role, content in turns:
        text = clean_text(content)
        if not text or (not merged and role == "assistant"):
            continue
        if merged and merged[-1].role == role:
            merged[-1] = Turn(role, f"{merged[-1].content} {text}")
        else:
            merged.append(Turn(role, text))
    long = (i for i, t in enumerate(merged) if len(t.content.split()) > MAX_TURN_WORDS)
    end = next(long, len(merged))
    return merged[: end - end % 2]


def split_text(text: str) -> list[str]:
    """Cut a text that is too long at ends of sentences, into parts of about equal length."""
    words = len(text.split())
    if words <= MAX_TEXT_WORDS:
        return [text]
    # A part ends with the sentence that fills it: aim lower, so that few exceed the limit.
    wanted = words / math.ceil(words / (MAX_TEXT_WORDS - 20))
    parts: list[str] = []
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if len(text[start : match.end()].split()) >= wanted:
            parts.append(text[start : match.end()].strip())
            start = match.end()
    if rest := text[start:].strip():
        parts.append(rest)
    return parts
