"""The engines of a worker: one that takes new replies and, after a swap, one that ends its own."""

from __future__ import annotations

import threading

from inference.public import ServingEngine


class Engines:
    """Who uses which engine. Any thread may call any of it; nothing here waits."""

    def __init__(self, first: ServingEngine) -> None:
        self._lock = threading.Lock()
        self._current = first
        self._retired: ServingEngine | None = None
        self._held: dict[str, ServingEngine] = {}

    @property
    def current(self) -> ServingEngine:
        return self._current

    @property
    def retired(self) -> ServingEngine | None:
        return self._retired

    def held(self) -> list[str]:
        """The attempts that are under way, sorted."""
        with self._lock:
            return sorted(self._held)

    def hold(self, key: str) -> ServingEngine:
        """The engine of an attempt from now until `release`, whatever is swapped meanwhile."""
        with self._lock:
            self._held[key] = self._current
            return self._current

    def release(self, key: str) -> None:
        with self._lock:
            self._held.pop(key, None)

    def cancel(self, key: str) -> None:
        """End an attempt in whichever engine it runs; one that is over is ignored."""
        with self._lock:
            serving = self._held.get(key)
        if serving is not None:
            serving.thread.cancel(key)

    def swap(self, new: ServingEngine) -> None:
        """New replies go to `new`; the one before ends its own. Free that one first."""
        with self._lock:
            assert self._retired is None or self._retired is new
            self._current, self._retired = new, self._current

    def take_idle(self) -> ServingEngine | None:
        """The retired engine once nobody uses it, for the caller to stop."""
        with self._lock:
            retired = self._retired
            if retired is None or any(used is retired for used in self._held.values()):
                return None
            self._retired = None
            return retired

    def all(self) -> list[ServingEngine]:
        with self._lock:
            return [self._current, *([self._retired] if self._retired else [])]
