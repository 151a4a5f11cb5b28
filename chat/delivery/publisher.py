"""The worker's one writer of streams: a thread between the engine and Redis.

The engine's thread only puts a step's outputs into the inbox. The publisher merges what has come
for each generation and sends all of it in one call about every 20 ms. A first word and an end go at
once, but alone: with many replies there is one in nearly every step, and whoever took the others
along would send each of their tokens by itself.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import redis.exceptions

from chat.delivery.streams import Append, NewEntry, append_all, encode
from inference.public import StepOutput

logger = logging.getLogger(__name__)

COALESCE_S = 0.02
_RETRY_S = 0.5
_STOP_TIMEOUT_S = 5


@dataclass(slots=True, eq=False)
class RunningReply:
    """One generation in this worker: what was sent, what waits, how it ended.

    Written by the publisher's thread; `is_over` tells the task's thread that it is complete.
    """

    id: str
    attempt: int
    next_seq: int = 0
    token_ids: list[int] = field(default_factory=list)
    text: str = ""
    finish: str = ""
    error: str = ""
    is_refused: bool = False
    first_token_at: float | None = None  # time.time()
    is_over: threading.Event = field(default_factory=threading.Event)
    pending_ids: list[int] = field(default_factory=list)
    pending_text: str = ""
    pending_logprobs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def key(self) -> str:
        """One attempt: an earlier one of the same generation may still be in this process."""
        return f"{self.id}:{self.attempt}"

    def merge(self, output: StepOutput) -> bool:
        """Take a step's output; True when it should reach the readers at once."""
        is_first = self.first_token_at is None and bool(output.text)
        if is_first:
            self.first_token_at = time.time()
        self.token_ids += output.token_ids
        self.text += output.text
        self.pending_ids += output.token_ids
        self.pending_text += output.text
        if output.logprobs:
            self.pending_logprobs.append(
                {
                    "id": output.logprobs.token_id,
                    "logprob": round(output.logprobs.logprob, 4),
                    "top": [[i, round(p, 4)] for i, p in output.logprobs.top],
                }
            )
        if output.finish:
            self.finish, self.error = output.finish, output.error
        return is_first or bool(output.finish)

    def take_entry(self) -> NewEntry | None:
        """The entry to send now. Ids whose text is still held back wait for it."""
        if not self.pending_text:
            return None
        body = f'{{"seq":{self.next_seq},"text":{encode(self.pending_text)}}}'
        if self.pending_logprobs:
            body = f'{body[:-1]},"logprobs":{encode(self.pending_logprobs)}}}'
        entry = NewEntry(self.id, self.attempt, "token", body, self.next_seq, self.pending_ids)
        self.next_seq += 1
        self.pending_text, self.pending_ids, self.pending_logprobs = "", [], []
        return entry


class Publisher:
    """Owns the thread and the table of running replies."""

    def __init__(self, cancel: Callable[[str], None], on_death: Callable[[], None]) -> None:
        self._cancel = cancel
        self._on_death = on_death
        self._inbox: queue.SimpleQueue[list[StepOutput] | None] = queue.SimpleQueue()
        self._replies: dict[str, RunningReply] = {}
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._inbox.put(None)
        self._thread.join(_STOP_TIMEOUT_S)

    def add(self, reply: RunningReply) -> None:
        """Take a reply in, before its request goes to the engine."""
        self._replies[reply.key] = reply

    def remove(self, reply: RunningReply) -> None:
        self._replies.pop(reply.key, None)

    def put(self, outputs: list[StepOutput]) -> None:
        """Called on the engine's thread; never blocks."""
        self._inbox.put(outputs)

    def _run(self) -> None:
        try:
            self._publish()
        except Exception:
            logger.exception("the publisher has failed")
            self._on_death()

    def _publish(self) -> None:
        """Until told to stop: take outputs in; send the urgent now, the others when it is time."""
        waiting: dict[str, RunningReply] = {}
        due = 0.0  # time.monotonic()
        while True:
            try:
                left = max(due - time.monotonic(), 0) if waiting else None
                outputs = self._inbox.get(timeout=left)
            except queue.Empty:
                outputs = []
            if outputs is None:
                self._send(list(waiting.values()))
                return
            if not waiting:
                due = time.monotonic() + COALESCE_S
            urgent = self._merge(outputs, waiting)
            if time.monotonic() >= due:
                urgent.update(waiting)
                waiting.clear()
            if urgent:
                self._send(list(urgent.values()))

    def _merge(
        self, outputs: list[StepOutput], waiting: dict[str, RunningReply]
    ) -> dict[str, RunningReply]:
        """Take outputs in; returns the replies that cannot wait, the others go to `waiting`."""
        urgent: dict[str, RunningReply] = {}
        for output in outputs:
            key = output.request_id
            if (reply := self._replies.get(key)) is None:
                continue
            if reply.merge(output):
                urgent[key] = reply
                waiting.pop(key, None)
            elif key not in urgent:
                waiting[key] = reply
        return urgent

    def _send(self, replies: list[RunningReply]) -> None:
        """One call for all, sent again until Redis takes it: an append is idempotent."""
        entries = [(reply, entry) for reply in replies if (entry := reply.take_entry())]
        answers = self._append([entry for _, entry in entries]) if entries else []
        for (reply, _), answer in zip(entries, answers, strict=True):
            if answer == Append.REFUSED:
                reply.is_refused = True
            if answer != Append.OK:
                self._cancel(reply.key)
        for reply in replies:
            if reply.finish:
                reply.is_over.set()

    def _append(self, entries: list[NewEntry]) -> list[Append]:
        while True:
            try:
                return append_all(entries)
            except redis.exceptions.RedisError:
                logger.warning("publishing failed, trying again", exc_info=True)
                time.sleep(_RETRY_S)
