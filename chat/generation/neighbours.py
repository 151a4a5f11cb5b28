"""Whether a prompt would be answered sooner by another worker than by this one.

Redis gives tasks to workers with a free slot in turn. Where hosts differ, or other work slows one
down, the slow one would hold nearly all replies in the end: it gets as many and keeps them longer.
So each worker signs how long its engine's steps take, looks at a few others, and passes a prompt
on, at most once, when one of them is clearly quicker. What finds nobody comes back.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

SAMPLE = 8  # of the others at each look, however many there are
# A step that comes later than this after the last one began after a pause.
_PAUSE_S = 1.0
_WEIGHT = 0.1
# Equal workers differ by chance: passing on costs a millisecond.
_CLEARLY = 0.7
# Signs are old: between two looks only so many go to each that is quicker.
_PASSES = 4


class Neighbours:
    """Steps are told by the engine's thread, signs by the heart's; any thread may ask."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._last = 0.0
        self._step_s = 0.0
        self._alone_s = 0.0  # the shortest it has been
        self._others: list[float] = []
        self._passes: int = 0

    def stepped(self) -> None:
        now = self._clock()
        gap, self._last = now - self._last, now
        if gap > _PAUSE_S:
            return
        self._step_s += (gap - self._step_s) * (_WEIGHT if self._step_s else 1.0)
        self._alone_s = min(self._alone_s or self._step_s, self._step_s)

    def step_s(self, running: int) -> float:
        """What a step takes now; where nothing runs, took at best; 0 where nothing ever has."""
        return self._step_s if running else self._alone_s

    def look(self, signs: Iterable[bytes | str | None]) -> None:
        """Take in what some workers have signed."""
        states = [json.loads(sign) for sign in signs if sign]
        self._others = [step_s for state in states if (step_s := _open_step_s(state))]
        self._passes = _PASSES

    def should_pass(self, running: int) -> bool:
        """Whether another one with a free slot is clearly quicker; counts as passed on if so."""
        mine = self.step_s(running)
        quicker = sum(other < _CLEARLY * mine for other in self._others)
        if not quicker or self._passes <= 0:
            return False
        self._passes -= 1
        return True


def _open_step_s(state: dict[str, Any]) -> float:
    """The step of a worker with a free slot, else 0; one of an earlier version does not say."""
    has_room = len(state["running"]) + state.get("waiting", 0) < state["slots"]
    return float(state.get("step_s", 0.0)) if has_room else 0.0
