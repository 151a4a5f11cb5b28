"""The worker's one writer of streams: a thread between the engine and Redis.

The engine's thread only puts a step's outputs into the inbox. The publisher merges what has come
for each generation and sends all of it in one pipeline: at once when somebody's first word or
end is among it, else about every 20 ms.
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

from accounts.store import redis_client
from chat.delivery.streams import POKES, Append, queue_append
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

    def take_entry(self) -> tuple[str, dict[str, Any]] | None:
        """The entry to send now. Ids whose text is still held back wait for it."""
        if not self.pending_text:
            return None
        data: dict[str, Any] = {
            "seq": self.next_seq, "text": self.pending_text, "ids": self.pending_ids,
        }  # fmt: skip
        if self.pending_logprobs:
            data["logprobs"] = self.pending_logprobs
        self.next_seq += 1
        self.pending_text, self.pending_ids, self.pending_logprobs = "", [], []
        return "token", data


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
        while (outputs := self._inbox.get()) is not None:
            touched: dict[str, RunningReply] = {}
            is_urgent = self._merge(outputs, touched)
            until = time.monotonic() + COALESCE_S
            while not is_urgent and (left := until - time.monotonic()) > 0:
                try:
                    more = self._inbox.get(timeout=left)
                except queue.Empty:
                    break
                if more is None:
                    self._send(list(touched.values()))
                    return
                is_urgent = self._merge(more, touched)
            self._send(list(touched.values()))

    def _merge(self, outputs: list[StepOutput], touched: dict[str, RunningReply]) -> bool:
        is_urgent = False
        for output in outputs:
            if reply := self._replies.get(output.request_id):
                touched[reply.key] = reply
                is_urgent |= reply.merge(output)
        return is_urgent

    def _send(self, replies: list[RunningReply]) -> None:
        """One pipeline for all, sent again until Redis takes it: an append is idempotent."""
        entries = [(reply, entry) for reply in replies if (entry := reply.take_entry())]
        answers = self._execute(entries) if entries else []
        for (reply, _), answer in zip(entries, answers, strict=True):
            if isinstance(answer, Exception):
                logger.error("the words of %s were not taken: %s", reply.key, answer)
            if isinstance(answer, Exception) or answer == Append.REFUSED:
                reply.is_refused = True
            if answer != Append.OK:
                self._cancel(reply.key)
        for reply in replies:
            if reply.finish:
                reply.is_over.set()

    def _execute(
        self, entries: list[tuple[RunningReply, tuple[str, dict[str, Any]]]]
    ) -> list[int | Exception]:
        while True:
            pipe = redis_client().pipeline(transaction=False)
            for reply, entry in entries:
                queue_append(pipe, reply.id, reply.attempt, *entry)
            pipe.publish(POKES, " ".join(reply.id for reply, _ in entries))
            try:
                return list(pipe.execute(raise_on_error=False)[:-1])
            except redis.exceptions.RedisError:
                logger.warning("publishing failed, trying again", exc_info=True)
                time.sleep(_RETRY_S)
