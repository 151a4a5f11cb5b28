"""What the messages of one reply must satisfy: every token once, in order, and nothing else.

Knows the wire only (ARCHITECTURE.md, "The wire"); it is given messages and counts faults.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

FAULTS = ("lost", "doubled", "reordered", "text_differs", "count_differs", "cursor_back")


class ReplyCheck:
    """Feed it the `token` messages and the `done` of one reply, then read `faults`.

    expected_tokens: how many the params force (min_tokens = max_tokens), None when they do not.
    """

    def __init__(self, expected_tokens: int | None = None) -> None:
        self.faults: Counter[str] = Counter()
        self._expected_tokens = expected_tokens
        self._next_seq = 0
        self._missing: set[int] = set()
        self._texts: list[str] = []
        self._ids = 0
        self._has_ids = False
        self._cursor = (0, 0)

    def token(self, message: dict[str, Any]) -> None:
        """Take one `token` message."""
        self._check_seq(message["seq"])
        self._texts.append(message["text"])
        if logprobs := message.get("logprobs"):  # one for each token id, when asked for
            self._has_ids = True
            self._ids += len(logprobs)
        ms, _, number = message["id"].partition("-")
        cursor = int(ms), int(number)
        if cursor <= self._cursor:
            self.faults["cursor_back"] += 1
        self._cursor = cursor

    def done(self, message: dict[str, Any]) -> None:
        """Take the end: what is missing by now is lost."""
        if self._missing:
            self.faults["lost"] += len(self._missing)
        if "".join(self._texts) != message["text"]:
            self.faults["text_differs"] += 1
        count = message["usage"]["completion_tokens"]
        is_short = self._expected_tokens is not None and count != self._expected_tokens
        if is_short or (self._has_ids and count != self._ids):
            self.faults["count_differs"] += 1

    def _check_seq(self, seq: int) -> None:
        if seq >= self._next_seq:
            self._missing.update(range(self._next_seq, seq))
            self._next_seq = seq + 1
        elif seq in self._missing:
            self._missing.remove(seq)
            self.faults["reordered"] += 1
        else:
            self.faults["doubled"] += 1
