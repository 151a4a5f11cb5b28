"""Token ids to text, one token at a time, for one request. Knows no torch.

Text is held back only where it could still change: the bytes of an unfinished UTF-8 character
and the beginning of a stop string. Blanks that begin a reply because of a template are left out.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class Detokenizer:
    """Give each piece of text once. All pieces together equal the decoding of all ids.

    lead: characters that are dropped for as long as nothing else has come.
    """

    def __init__(
        self, token_bytes: Sequence[bytes], stop: Sequence[str] = (), lead: str = ""
    ) -> None:
        self._token_bytes = token_bytes
        self._stop = tuple(stop)
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""
        self._lead = lead
        self.is_stopped = False

    def push(self, token_id: int) -> str:
        """Add a token; returns the text that is now certain (often all of it, possibly none)."""
        return self._emit(self._utf8.decode(self._token_bytes[token_id]), is_last=False)

    def flush(self) -> str:
        """End the text; returns what was held back."""
        return self._emit(self._utf8.decode(b"", final=True), is_last=True)

    def _emit(self, new: str, *, is_last: bool) -> str:
        if self.is_stopped:
            return ""
        if self._lead and (new := new.lstrip(self._lead)):
            self._lead = ""
        text = self._held + new
        self._held = ""
        found = [at for s in self._stop if (at := text.find(s)) >= 0]
        if found:
            self.is_stopped = True
            return text[: min(found)]
        keep = 0 if is_last else self._possible_stop(text)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def _possible_stop(self, text: str) -> int:
        """Length of the longest end of `text` that begins a stop string."""
        return max(
            (n for s in self._stop for n in range(1, len(s)) if text.endswith(s[:n])),
            default=0,
        )
