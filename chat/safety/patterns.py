"""Phrases and patterns as something to search with, bounded in size and time.

RE2 takes a time linear in the text, whatever the pattern: nobody can write one that hangs.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import re2

from chat.safety.words import normalised

PHRASES_MAX = 200
PHRASE_MAX_CHARS = 100
PATTERN_MAX_CHARS = 500
# `\b\d{3}-\d{2}-\d{4}\b` is 17 instructions, `\p{L}{1,200}` a quarter of a million.
PATTERN_MAX_SIZE = 4000
_GROUP = 50
_WORD = re.compile(r"[^\W_]+")

Owner = TypeVar("Owner")


class BadText(ValueError):
    """What is wrong with the text of a rule, as a sentence."""


class Found(NamedTuple, Generic[Owner]):
    """Whose words stand in a normalised text, and where. `is_open`: up to its very end."""

    owner: Owner
    start: int
    end: int


def phrases_of(text: str) -> list[str]:
    """The phrases of a rule, one a line, normalised; raises BadText."""
    phrases = list(dict.fromkeys(filter(None, map(normalised, text.splitlines()))))
    if not phrases:
        raise BadText("At least one phrase is expected, one a line.")
    if len(phrases) > PHRASES_MAX:
        raise BadText(f"At most {PHRASES_MAX} phrases make a rule.")
    for phrase in phrases:
        if len(phrase) > PHRASE_MAX_CHARS:
            raise BadText(f"“{phrase[:30]}…” has more than {PHRASE_MAX_CHARS} characters.")
        if not _WORD.search(phrase):
            raise BadText(f"“{phrase}” has no letter and no digit.")
    return phrases


def pattern_of(text: str) -> Any:
    """The pattern of a rule, compiled; raises BadText."""
    pattern = text.strip()
    if not pattern:
        raise BadText("A pattern is expected.")
    if len(pattern) > PATTERN_MAX_CHARS:
        raise BadText(f"A pattern has at most {PATTERN_MAX_CHARS} characters.")
    try:
        compiled = re2.compile(pattern, _options())
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        said = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise BadText(f"This is no valid pattern: {said}.") from None
    if compiled.programsize > PATTERN_MAX_SIZE:
        detail = f"{compiled.programsize} steps, at most {PATTERN_MAX_SIZE} are allowed"
        raise BadText(f"This pattern is too large: {detail}. Fewer or smaller repetitions help.")
    if compiled.search("") is not None:
        raise BadText("This pattern is found in every text, also in an empty one.")
    return compiled


def _options() -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False  # they would go to stderr
    return options


class Phrases(Generic[Owner]):
    """Many phrases looked for at once: by their first word, so their number costs nothing."""

    def __init__(self, phrases: Sequence[tuple[str, Owner]]) -> None:
        self._by_word: dict[str, list[tuple[str, int, Owner]]] = defaultdict(list)
        for phrase, owner in phrases:
            word = _WORD.search(phrase)
            assert word is not None
            self._by_word[word[0]].append((phrase, word.start(), owner))
        self._by_word.default_factory = None
        self.longest = max((len(phrase) for phrase, _ in phrases), default=0)

    def find(self, text: str) -> Iterator[Found[Owner]]:
        """Where they stand as whole words in a normalised text."""
        by_word = self._by_word
        for word in _WORD.finditer(text):
            for phrase, offset, owner in by_word.get(word[0], ()):
                start = word.start() - offset
                if start >= 0 and text.startswith(phrase, start):
                    end = start + len(phrase)
                    if _is_border(text, end):
                        yield Found(owner, start, end)


def _is_border(text: str, at: int) -> bool:
    """Whether no word goes on there: its first word begins at a border already."""
    if at >= len(text):
        return True
    goes_on = text[at].isalnum() or unicodedata.category(text[at]).startswith("M")
    return not (goes_on and text[at - 1].isalnum())


class Patterns(Generic[Owner]):
    """Patterns, in groups: where a group's union is not found, none of it is."""

    def __init__(self, patterns: Sequence[tuple[Any, Owner]]) -> None:
        starts = range(0, len(patterns), _GROUP)
        self._groups = [_group(patterns[i : i + _GROUP]) for i in starts]

    def __bool__(self) -> bool:
        return bool(self._groups)

    def find(self, text: str) -> Iterator[Found[Owner]]:
        """The first place of each that is found in a normalised text."""
        encoded = text.encode()
        for union, members in self._groups:
            if union is not None and union.search(encoded) is None:
                continue
            for compiled, owner in members:
                if (match := compiled.search(encoded)) is not None:
                    start, end = match.span()
                    chars = len(encoded[:start].decode())
                    yield Found(owner, chars, chars + len(encoded[start:end].decode()))


def _group(members: Sequence[tuple[Any, Owner]]) -> tuple[Any, Sequence[tuple[Any, Owner]]]:
    """Members with their union; without one where it is too large."""
    try:
        union = re2.compile("|".join(f"(?:{c.pattern})" for c, _ in members), _options())
    except re2.error:
        union = None
    return union, members
