"""Takes what names a person out of texts that leave the house. It lowers a risk, no more.

Masked are e-mail addresses, links that carry a user or a password, telephone numbers, @names, the
account's own name, and the words after "my name is" and the like, wherever they stand again in the
same chat. Not found are names said in any other way, addresses of houses, and whatever a story
tells of people: who trains on such texts must still treat them as personal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# At most so many characters on each side of the @: the patterns stay linear.
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_LINK = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/@]{1,200}@\S{1,500}", re.IGNORECASE)
_HANDLE = re.compile(r"(?<![\w@])@[A-Za-z0-9_.-]{2,32}")
_PHONE = re.compile(r"(?<![\w.])\+?(?:\(\d{1,5}\)|\d)(?:[ ./()-]{0,2}\d){6,14}(?![\w])")
_APOSTROPHES = "'\u2019"
_WORD = rf"[\w{_APOSTROPHES}-]{{1,30}}"
_SAID = re.compile(
    rf"(?i:\b(?:my (?:full |first |last |real )?name(?: is|[{_APOSTROPHES}]s|:)"
    rf"|i(?: am|[{_APOSTROPHES}]m) called|call me|mein name ist|ich hei(?:\u00df|ss)e)\s+)"
    rf"(?P<name>[^\W\d_]{_WORD}(?:\s+[A-Z\u00c0-\u00de]{_WORD}){{0,2}})"
)
# Words that follow "call me" and are no names.
_NO_NAMES = {"a", "an", "the", "not", "back", "later", "when", "if", "at", "on", "by", "what"}
NAME, EMAIL, LINK, PHONE = "[name]", "[email]", "[link]", "[phone]"


class Masker:
    """Of one chat: what was once said to be a name is masked in all of its texts."""

    def __init__(self, texts: Iterable[str], usernames: Iterable[str] = ()) -> None:
        names = {name for name in usernames if len(name) > 2}
        for text in texts:
            for match in _SAID.finditer(text):
                words = match["name"].split()
                if words[0].lower() not in _NO_NAMES:
                    names |= {match["name"], *(word for word in words if len(word) > 1)}
        longest_first = sorted(names, key=len, reverse=True)
        words = "|".join(map(re.escape, longest_first))
        self._names = re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE) if names else None

    def mask(self, text: str) -> str:
        text = _LINK.sub(LINK, text)
        text = _EMAIL.sub(EMAIL, text)
        text = _PHONE.sub(PHONE, text)
        text = _HANDLE.sub(NAME, text)
        return self._names.sub(NAME, text) if self._names is not None else text
