"""How fast a worker writes, over the last seconds."""

import threading
import time
from collections import deque
from collections.abc import Callable

WINDOW_S = 10.0


class Pace:
    """Counts on the engines' threads, is asked at each sign of life."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()  # two engines write during a swap
        self._total = 0
        self._marks = deque([(clock(), 0)])

    def add(self, tokens: int) -> None:
        with self._lock:
            self._total += tokens

    def per_s(self) -> float:
        """Tokens a second since the last mark that is at least WINDOW_S old, and sets one."""
        now, total = self._clock(), self._total
        self._marks.append((now, total))
        while len(self._marks) > 2 and self._marks[1][0] <= now - WINDOW_S:
            self._marks.popleft()
        since, before = self._marks[0]
        return (total - before) / (now - since) if now > since else 0.0
