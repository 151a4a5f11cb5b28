"""What one client saw of one prompt: text, cursor, ends, and what was wrong with the order.

Times are `time.monotonic()`. No input or output here; the transports feed it.
"""

from __future__ import annotations

from array import array
from collections import Counter
from typing import Any

from chat.benchmarks.checker import ReplyCheck
from deploy.torture.prompts import Prompt

# Said of a reply or a prompt that may well go on: the client waits and asks again.
AGAIN = frozenset({"queue_full", "rate_limited", "unavailable", "model_unavailable", "timeout"})
DEFAULT_RETRY_S = 1.0
_RETRY_S_MAX = 10.0


def retry_s(body: dict[str, Any]) -> float:
    """How long to wait before asking again."""
    return min(float(body.get("retry_after") or DEFAULT_RETRY_S), _RETRY_S_MAX)


class Answer:
    """One prompt's life as its client sees it."""

    def __init__(self, prompt: Prompt, *, client: str, transport: str) -> None:
        self.prompt = prompt
        self.client = client
        self.transport = transport
        self.can_resume = True  # else a broken connection is an error for the caller to act on
        self.sent: list[float] = []
        self.connected: list[float] = []  # each connection that asked for it or resumed it
        self.words = array("d")  # when something of the text or its end came
        self.base = ""  # the web process that it was last asked from
        self.generation = ""
        self.conversation: int | None = None
        self.cursor = ""
        self.starts = 0
        self.end = ""  # done or error
        self.ended: float | None = None
        self.code = ""
        self.finish_reason = ""
        self.done_text = ""
        self.refusals: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()  # lost, doubled, text_differs, ...
        self.notes: list[str] = []
        self._check = ReplyCheck()
        self._parts: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._parts)

    @property
    def is_over(self) -> bool:
        return self.ended is not None

    @property
    def restarts(self) -> int:
        return max(self.starts - 1, 0)

    def accept(self, generation: str, conversation: int | None) -> None:
        """The server has taken the prompt, perhaps again: it must be the same generation."""
        if self.generation not in ("", generation):
            self.faults["doubled"] += 1
            self.notes.append(f"accepted as {generation} after {self.generation}")
        self.generation, self.conversation = generation, conversation

    def refuse(self, body: dict[str, Any], now: float) -> float | None:
        """A refusal or a trouble: seconds until the next try, or None when it is final."""
        code = str(body.get("code", "no code"))
        if code not in AGAIN:
            self.fail(code, now)
            return None
        self.refusals[code] += 1
        if code == "queue_full" and "retry_after" not in body:
            self.notes.append("queue_full without retry_after")
        return retry_s(body)

    def take(self, kind: str, event_id: str, data: dict[str, Any], now: float) -> None:
        """One event of its generation, but those of `refuse`."""
        if kind in ("queued", "context_cleared"):
            return
        if self.is_over:
            self.faults["doubled"] += 1
            self.notes.append(f"{kind} after the end")
        elif kind == "started":
            self._start(event_id)
        elif kind == "token":
            self._token(event_id, data, now)
        elif kind == "done":
            self._done(data, now)

    def fail(self, code: str, now: float) -> None:
        """It ended with an error."""
        self._end("error", code, now)

    def _start(self, event_id: str) -> None:
        """The text begins, or begins again: what came before is void."""
        self.starts += 1
        self.cursor = event_id
        self._check = ReplyCheck()
        self._parts.clear()

    def _token(self, event_id: str, data: dict[str, Any], now: float) -> None:
        # Server-sent events have no seq: their ids and the whole text must do.
        text = data["text"] if "text" in data else data["token"]
        seq = data.get("seq", len(self._parts))
        self._check.token({"seq": seq, "text": text, "id": event_id})
        self._parts.append(text)
        self.cursor = event_id
        self.words.append(now)

    def _done(self, data: dict[str, Any], now: float) -> None:
        self.done_text = data["text"] if "text" in data else data["full_text"]
        self.finish_reason = data["finish_reason"]
        self._check.done({"text": self.done_text, "usage": data["usage"]})
        self.faults.update(self._check.faults)
        self._end("done", "", now)

    def _end(self, end: str, code: str, now: float) -> None:
        self.end, self.code, self.ended = end, code, now
        self.words.append(now)
