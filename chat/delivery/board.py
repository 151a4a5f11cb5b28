"""The queue as this web process shows it: one query a second for everybody who waits.

While somebody waits the line is read, and each reader is woken when its place is worth telling.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from accounts.per_loop import PerLoop
from chat.delivery.tailer import Reader
from chat.delivery.threads import in_thread
from chat.generation.queue import QueuePlace, queue_line

logger = logging.getLogger(__name__)

LOOK_S = 1.0
# A countdown says as much as a new estimate that is no further off.
_ETA_STEP_S, _ETA_STEP = 1.0, 0.25


@dataclass(slots=True, eq=False)
class Waiting:
    """One reader whose generation waits: what it was told, and what is news."""

    reader: Reader
    since: float  # time.monotonic()
    told: QueuePlace | None = None
    told_at: float = 0.0
    now: QueuePlace | None = None
    is_over: bool = False  # it waits no more

    def news(self) -> QueuePlace | None:
        """A place worth telling, once."""
        if self.now is None or not self._is_news(self.now):
            return None
        self.told, self.told_at = self.now, time.monotonic()
        return self.now

    def _is_news(self, place: QueuePlace) -> bool:
        if self.told is None or place.position != self.told.position:
            return True
        counted_down = self.told.eta_s - (time.monotonic() - self.told_at)
        step = max(_ETA_STEP_S, _ETA_STEP * self.told.eta_s)
        return abs(place.eta_s - max(counted_down, 0.0)) > step


class QueueBoard:
    """Owns the look at the queue of one event loop."""

    def __init__(self) -> None:
        self._waiting: set[Waiting] = set()
        self._task: asyncio.Task[None] | None = None

    def join(self, reader: Reader, place: QueuePlace | None = None) -> Waiting:
        """Wait with a reader; `place` is where it joined, told first."""
        waiting = Waiting(reader, time.monotonic(), now=place)
        self._waiting.add(waiting)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look(), name="queue-board")
        return waiting

    def leave(self, waiting: Waiting) -> None:
        self._waiting.discard(waiting)

    async def _look(self) -> None:
        """While anybody waits. Who has just joined was told its place: no need to hurry."""
        while True:
            await asyncio.sleep(LOOK_S)
            if not self._waiting:
                return
            began = time.monotonic()
            try:
                line = await in_thread(queue_line)
            except Exception:
                # All who wait in this process depend on this task: it ends with the last of them.
                logger.warning("the queue could not be read", exc_info=True)
                continue
            for waiting in self._waiting:
                self._tell(waiting, line.get(waiting.reader.generation_id), began)

    @staticmethod
    def _tell(waiting: Waiting, place: QueuePlace | None, began: float) -> None:
        if place is not None:
            waiting.now = place
        elif waiting.since < began:
            waiting.is_over = True
        waiting.reader.wake()


board = PerLoop(QueueBoard)
