"""One reply as a `chat.completion` or as its chunks: shapes only, no waiting and no HTTP."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from chat.api.openai.logprobs import LogprobTeller
from chat.api.openai.request import ChatCompletionRequest
from chat.delivery.streams import Entry
from chat.errors import Unavailable
from chat.generation.queue import QueuePlace
from inference.public import ChatFormat

DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"
_FINISH_REASONS = {"length": "length", "filtered": "content_filter"}


@dataclass(slots=True)
class Reply:
    """What was asked for and what has come: fed with entries, asked for chunks or the whole."""

    generation_id: uuid.UUID
    place: QueuePlace | None
    model: str
    fingerprint: str
    has_usage_chunk: bool
    new_teller: Callable[[], LogprobTeller] | None
    created: int = field(default_factory=lambda: int(time.time()))
    text: str = ""
    logprobs: list[dict[str, Any]] = field(default_factory=list)
    teller: LogprobTeller | None = None
    is_started: bool = False
    read_chars: int = 0  # of the text, since it last began
    read_logprobs: int = 0

    @classmethod
    def of(
        cls,
        asked: ChatCompletionRequest,
        generation_id: uuid.UUID,
        place: QueuePlace | None,
        chat_format: ChatFormat,
    ) -> Reply:
        teller = partial(LogprobTeller, chat_format, asked.top_logprobs or 0)
        return cls(
            generation_id,
            place,
            chat_format.name,
            fingerprint=f"fp_{chat_format.sha256[:12]}",
            has_usage_chunk=asked.has_usage_chunk,
            new_teller=teller if asked.logprobs else None,
        )

    def chunks(self, entry: Entry) -> list[bytes]:
        """The events of an entry, one of an `error` excepted."""
        if entry.type == "started":
            first = {"role": "assistant", "content": "", "refusal": None}
            return [self._chunk(first)] if self._start() else []
        if entry.type == "token":
            new, logprobs = self._take(entry.data)
            return [self._chunk({"content": new}, logprobs=logprobs)] if new else []
        if entry.type == "done":
            return self._last_chunks(entry.data)
        return []

    def _last_chunks(self, done: dict[str, Any]) -> list[bytes]:
        chunks = []
        # Where the stream was lost the row tells the end: what it has beyond the stream follows.
        if rest := done["text"].removeprefix(self.text):
            is_more = done["text"].startswith(self.text)
            chunks += [self._chunk({"content": rest})] if is_more else []
        chunks.append(self._chunk({}, finish_reason=finish_reason(done)))
        if self.has_usage_chunk:
            chunks.append(self._event({"choices": [], "usage": done["usage"]}))
        return [*chunks, DONE]

    def take(self, entry: Entry) -> None:
        """Note an entry of a reply that is answered as a whole."""
        if entry.type == "started":
            self._start()
        elif entry.type == "token":
            self._take(entry.data)

    def completion(self, done: dict[str, Any]) -> dict[str, Any]:
        # A safety rule's text is nothing that the model has thought.
        tokens = [] if done["finish_reason"] == "filtered" else self.logprobs
        logprobs = {"content": tokens, "refusal": None} if self.new_teller else None
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": done["text"], "refusal": None},
            "logprobs": logprobs,
            "finish_reason": finish_reason(done),
        }
        return {**self._head("chat.completion"), "choices": [choice], "usage": done["usage"]}

    def _start(self) -> bool:
        """The text begins; False when it begins again, after worker and stream were lost.

        The same seed gives the same words: what was told already is not told twice.
        """
        is_first, self.is_started = not self.is_started, True
        self.read_chars = self.read_logprobs = 0
        self.teller = self.new_teller() if self.new_teller else None
        return is_first

    def _take(self, data: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
        """What is new in a token entry: its text and its log-probabilities."""
        known = self.text[self.read_chars : self.read_chars + len(data["text"])]
        if not data["text"].startswith(known):  # another checkpoint or precision goes on
            raise Unavailable(retry_after=1)
        new = data["text"][len(known) :]
        self.read_chars += len(data["text"])
        self.text += new
        if self.teller is None:
            return new, None
        content = self.teller.take(data["text"], data.get("logprobs", []))
        fresh = content[max(len(self.logprobs) - self.read_logprobs, 0) :]
        self.read_logprobs += len(content)
        self.logprobs += fresh
        return new, {"content": fresh, "refusal": None}

    def _chunk(
        self,
        delta: dict[str, Any],
        *,
        logprobs: dict[str, Any] | None = None,
        finish_reason: str | None = None,
    ) -> bytes:
        choice = {
            "index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason,
        }  # fmt: skip
        usage = {"usage": None} if self.has_usage_chunk else {}
        return self._event({"choices": [choice], **usage})

    def _event(self, body: dict[str, Any]) -> bytes:
        return event({**self._head("chat.completion.chunk"), **body})

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{self.generation_id}",
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
        }


def event(body: dict[str, Any]) -> bytes:
    """A server-sent event without a name, as OpenAI's are."""
    return f"data: {json.dumps(body, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


def finish_reason(done: dict[str, Any]) -> str:
    """Ours, but OpenAI knows no `cancelled`, and has another word for `filtered`."""
    return _FINISH_REASONS.get(done["finish_reason"], "stop")
