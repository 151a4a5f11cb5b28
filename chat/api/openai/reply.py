"""One reply as a `chat.completion` or as its chunks: shapes only, no waiting and no HTTP."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from chat.api.openai.logprobs import LogprobTeller
from chat.api.openai.request import ChatCompletionRequest
from chat.delivery.streams import Entry
from chat.generation.queue import QueuePlace
from inference.public import ChatFormat

DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"


@dataclass(slots=True)
class Reply:
    """What was asked for and what has come: fed with entries, asked for chunks or the whole."""

    generation_id: uuid.UUID
    place: QueuePlace | None
    model: str
    fingerprint: str
    has_usage_chunk: bool
    teller: LogprobTeller | None
    created: int = field(default_factory=lambda: int(time.time()))
    text: str = ""
    logprobs: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        asked: ChatCompletionRequest,
        generation_id: uuid.UUID,
        place: QueuePlace | None,
        chat_format: ChatFormat,
    ) -> Reply:
        teller = LogprobTeller(chat_format, asked.top_logprobs or 0) if asked.logprobs else None
        return cls(
            generation_id,
            place,
            chat_format.name,
            fingerprint=f"fp_{chat_format.sha256[:12]}",
            has_usage_chunk=asked.has_usage_chunk,
            teller=teller,
        )

    def chunks(self, entry: Entry) -> list[bytes]:
        """The events of an entry, one of an `error` excepted."""
        if entry.type == "started":
            return [self._chunk({"role": "assistant", "content": "", "refusal": None})]
        if entry.type == "token":
            data = entry.data
            return [self._chunk({"content": data["text"]}, logprobs=self._take(data))]
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
        if entry.type == "token":
            self.logprobs += (self._take(entry.data) or {}).get("content", [])

    def completion(self, done: dict[str, Any]) -> dict[str, Any]:
        logprobs = {"content": self.logprobs, "refusal": None} if self.teller else None
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": done["text"], "refusal": None},
            "logprobs": logprobs,
            "finish_reason": finish_reason(done),
        }
        return {**self._head("chat.completion"), "choices": [choice], "usage": done["usage"]}

    def _take(self, data: dict[str, Any]) -> dict[str, Any] | None:
        self.text += data["text"]
        if self.teller is None:
            return None
        content = self.teller.take(data["text"], data.get("logprobs", []))
        return {"content": content, "refusal": None}

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
    """Ours, but OpenAI knows no `cancelled`."""
    return "length" if done["finish_reason"] == "length" else "stop"
