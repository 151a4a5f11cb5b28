"""Log-probabilities as OpenAI tells them: tokens as text and bytes, in step with the text.

What is told never depends on how the stream was cut into entries: a token comes with the text that
its bytes begin, and those that only made a stop string, which is no part of the reply, never come.
"""

from __future__ import annotations

import codecs
from collections import deque
from typing import Any

from inference.public import ChatFormat


class LogprobTeller:
    """Takes the entries of one reply in order, gives the tokens whose text has come."""

    def __init__(self, chat_format: ChatFormat, top: int) -> None:
        self._tokenizer = chat_format.tokenizer
        self._top = top
        self._lead = self._tokenizer.template.assistant[0]  # left out where a reply begins
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._waiting: deque[tuple[int, dict[str, Any]]] = deque()  # where its text begins
        self._decoded = 0
        self._told = 0

    def take(self, text: str, tokens: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The entry's text and its tokens; returns what `logprobs.content` says of it."""
        for token in tokens:
            self._waiting.append((self._decoded, token))
            new = self._utf8.decode(self._tokenizer.token_bytes[token["id"]])
            if self._decoded == 0:
                new = new.lstrip(self._lead) if self._lead else new
            self._decoded += len(new)
        self._told += len(text)
        ready = []
        while self._waiting and self._waiting[0][0] < self._told:
            ready.append(self._content(self._waiting.popleft()[1]))
        return ready

    def _content(self, token: dict[str, Any]) -> dict[str, Any]:
        top = [self._described(t["id"], t["logprob"]) for t in token["top"][: self._top]]
        return {**self._described(token["id"], token["logprob"]), "top_logprobs": top}

    def _described(self, token_id: int, logprob: float) -> dict[str, Any]:
        raw = self._tokenizer.token_bytes[token_id]
        if not raw:  # a mark, such as the end of the turn
            name = self._tokenizer.token(token_id)
            return {"token": name, "bytes": None, "logprob": logprob}
        text = raw.decode(errors="backslashreplace")  # a part of a character, as OpenAI writes it
        return {"token": text, "bytes": list(raw), "logprob": logprob}
