"""Who waits, who runs. Decides with queues and counts; imports no torch.

A running request's place in `running` is its KV slot. The places are kept dense, so that a
decode step works on the first `len(running)` rows of the cache without gathering.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from inference.engine.errors import EngineFull
from inference.engine.request import Request


class Scheduler:
    """First come, first served, over a fixed number of slots."""

    def __init__(self, slots: int, queue_limit: int) -> None:
        self.slots = slots
        self.queue_limit = queue_limit
        self.waiting: deque[Request] = deque()
        self.running: list[Request] = []

    def __len__(self) -> int:
        return len(self.waiting) + len(self.running)

    def __iter__(self) -> Iterator[Request]:
        yield from self.waiting
        yield from self.running

    def add(self, request: Request) -> None:
        """Put at the end of the line; raises `EngineFull`."""
        if len(self.waiting) >= self.queue_limit:
            raise EngineFull(f"{self.queue_limit} requests are waiting")
        self.waiting.append(request)

    def admit(self) -> tuple[int, Request] | None:
        """Give the next waiting request a slot; None when nobody waits or all slots are taken."""
        if not self.waiting or len(self.running) >= self.slots:
            return None
        request = self.waiting.popleft()
        self.running.append(request)
        return len(self.running) - 1, request

    def release(self, request: Request, move: Callable[[int, int], None]) -> None:
        """Take a request out, wherever it is; the only way out for finish, abort and error.

        The last running request takes the freed slot: `move(from, to)` must move its KV.
        """
        if request in self.waiting:
            self.waiting.remove(request)
            return
        slot = self.running.index(request)
        last = self.running.pop()
        if last is not request:
            self.running[slot] = last
            move(len(self.running), slot)
