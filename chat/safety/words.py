"""A text as rules read it: what looks the same to people is the same here, within bounds.

Unicode's compatibility forms (NFKC) and capitals are undone, what nobody sees is dropped, spaces
become one, curly apostrophes and the many hyphens plain. Letters that only look alike (Cyrillic a,
zero for o, l33t) are not chased: there is no end to them, and each step hits more of the innocent.
"""

from __future__ import annotations

import re
import unicodedata

# Unicode's Default_Ignorable_Code_Point (zero-width characters, soft hyphens, marks of direction,
# variation selectors, tags) and the controls that are no space.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_PLAIN = str.maketrans(
    {**dict.fromkeys("\u2018\u2019\u201b\u02bc\u00b4`", "'"),
     **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")}
)  # fmt: skip


def normalised(text: str) -> str:
    """Small letters, one space between words, nothing unseen. 0.04 ms for 4,000 characters of
    ASCII, 0.4 ms for others.
    """
    text = _UNSEEN.sub("", text)
    if not text.isascii():
        folded = unicodedata.normalize("NFKC", text.translate(_PLAIN)).casefold()
        # Some forms become others only now.
        text = unicodedata.normalize("NFKC", _UNSEEN.sub("", folded)).translate(_PLAIN)
    else:
        text = text.replace("`", "'").lower()
    return " ".join(text.split())
