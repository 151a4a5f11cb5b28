"""The worker's one writer of streams: a thread between the engine and Redis.

The engine's thread only puts a step's outputs into the inbox. The publisher merges what has come
for each generation and sends all of it in one call about every 20 ms. A first word and an end go at
once, but alone: with many replies there is one in nearly every step, and whoever took the others
along would send each of their tokens by itself.
"""

from __future__ import annotations

import logging
import math
import queue
import threading
import time
from collections.abc import Callable

from chat import metrics
from chat.delivery.reply import IsHeld, RunningReply, write
from chat.delivery.streams import Addition, Append
from chat.safety.rules import rules_known
from inference.public import StepOutput

logger = logging.getLogger(__name__)

COALESCE_S = 0.02
_STOP_TIMEOUT_S = 5


class Publisher:
    """Owns the thread and the table of running replies."""

    def __init__(
        self, cancel: Callable[[str], None], is_held: IsHeld, on_death: Callable[[], None]
    ) -> None:
        self._cancel = cancel
        self._is_held = is_held
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
        reply.can_write = False
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
            if (reply := self._replies.get(key)) is None or reply.stopped_by is not None:
                continue
            if reply.merge(output):
                urgent[key] = reply
                waiting.pop(key, None)
            elif key not in urgent:
                waiting[key] = reply
        return urgent

    def _write(self, additions: list[tuple[RunningReply, Addition]]) -> list[Append]:
        if not additions:
            return []
        began = time.monotonic()
        answers = write(additions, self._is_held, math.inf)
        metrics.PUBLISH.add(time.monotonic() - began)
        return answers

    def _send(self, replies: list[RunningReply]) -> None:
        """One call for all, however long Redis lets it wait."""
        stops = rules_known().stops
        passed = replies if stops is None else [reply for reply in replies if reply.may_go(stops)]
        additions = [(reply, addition) for reply in passed if (addition := reply.take_entry())]
        answers = self._write(additions)
        for (reply, _), answer in zip(additions, answers, strict=True):
            if answer == Append.REFUSED:
                reply.is_refused = True
            if answer != Append.OK:
                self._cancel(reply.key)
        for reply in replies:
            if reply.stopped_by is not None:
                self._cancel(reply.key)
            if reply.finish:
                reply.can_write = True
                reply.is_over.set()
