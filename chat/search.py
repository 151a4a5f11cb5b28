"""Full-text search: what is indexed, how a typed text becomes a query, and snippets.

The `simple` configuration: no stems and no stop words, for people look for "who are you" and for
the beginning of a word that they are still typing. Knows no models.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db.models import Func

# Blanks to the index: punctuation, which PostgreSQL's parser would otherwise take as parts of
# hosts, numbers and, where the database's locale is C, of words. Joiners of words and emoji stay.
_BLANK = r"!-/:-@\[-`{-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf"
_BLANK += r"\u2010-\u2027\u2030-\u205e\u3000-\u3003\u3008-\u301f\uff01-\uff0f\uff1a-\uff20"
# Scripts without blanks between words: every character counts as a word.
_SINGLE = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"

_BLANKS = re.compile(f"[{_BLANK}\\s\x00-\x1f\ud800-\udfff]+")
_PIECES = re.compile(f"[{_SINGLE}]|[^{_SINGLE}]+")

MATCHES_MAX = 3
SNIPPET_CHARS = 160
_LEAD_CHARS = 40


class SearchWords(Func):
    """A text's `tsvector`. Its SQL is in a migration: to change it, write another one."""

    function = "to_tsvector"
    template = (
        "to_tsvector('simple'::regconfig, regexp_replace(regexp_replace("
        f"%(expressions)s, '[{_BLANK}]', ' ', 'g'), '([{_SINGLE}])', ' \\1 ', 'g'))"
    )
    output_field = SearchVectorField()


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of text, found or not. Clients mark it as they like; it is never markup."""

    text: str
    is_match: bool


@dataclass(frozen=True, slots=True)
class TextSearch:
    """What a user typed: words that must all occur, each in one text, as beginnings of words.

    Without a letter or digit there is nothing to look up; then `substring` is looked for.
    """

    query: SearchQuery | None
    substring: str
    _marks: re.Pattern[str]

    @classmethod
    def parse(cls, typed: str) -> TextSearch | None:
        """Any text is a query; None when it is blank."""
        substring = re.sub("[\x00\ud800-\udfff]", "", typed).strip()
        chunks = [_PIECES.findall(chunk) for chunk in _BLANKS.split(typed) if chunk]
        if not substring:
            return None
        if not any(char.isalnum() for char in substring):
            return cls(None, substring, re.compile(re.escape(substring)))
        words = [_Word(pieces, i == len(chunks) - 1) for i, pieces in enumerate(chunks)]
        raw = " & ".join(word.raw for word in words)
        marks = "|".join(sorted({word.pattern for word in words}, key=len, reverse=True))
        query = SearchQuery(raw, config="simple", search_type="raw")
        return cls(query, substring, re.compile(marks, re.IGNORECASE))

    def highlight(self, text: str) -> list[Segment]:
        """The whole text in segments."""
        segments: list[Segment] = []
        at = 0
        for match in self._marks.finditer(text):
            if match.start() > at:
                segments.append(Segment(text[at : match.start()], False))
            segments.append(Segment(match[0], True))
            at = match.end()
        return [*segments, Segment(text[at:], False)] if text[at:] else segments

    def snippet(self, text: str) -> list[Segment]:
        """About `SNIPPET_CHARS` round the first place found, on one line."""
        line = " ".join(text.split())
        match = self._marks.search(line)
        start = _word_start(line, match.start() - _LEAD_CHARS) if match else 0
        end = start + SNIPPET_CHARS
        shown = ("…" if start else "") + line[start:end] + ("…" if line[end:] else "")
        return self.highlight(shown)


class _Word:
    """A typed word. One letter stands for itself unless it is still being typed."""

    def __init__(self, pieces: list[str], is_last: bool) -> None:
        is_prefix = is_last or len(pieces[-1]) > 1
        # Quotes and backslashes are blanks, so nothing in a piece can end its quotes.
        self.raw = " <-> ".join(f"'{piece}'" for piece in pieces) + (":*" if is_prefix else "")
        if len(pieces) > 1:
            self.raw = f"({self.raw})"
        word = "".join(map(re.escape, pieces))
        is_single = bool(re.match(f"[{_SINGLE}]", pieces[0]))
        self.pattern = ("" if is_single else r"(?<![^\W_])") + word
        if not is_prefix:
            self.pattern += r"(?![^\W_])"


def _word_start(line: str, at: int) -> int:
    """The beginning of the word at `at`, but not far before it."""
    if at <= 0:
        return 0
    blank = line.rfind(" ", max(0, at - 20), at)
    return blank + 1 if blank >= 0 else at
