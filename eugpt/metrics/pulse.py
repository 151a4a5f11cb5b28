"""Does this process live, and is it ready for work? Each role has its own signs.

`beat` notes a sign; one that is older than `SILENCE_S` is a reason to be started afresh. So long
has a process, too, to give its first signs.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

SILENCE_S = 30.0
# The longest step of an engine (a prompt at full load) takes well under a second.
STEP_MAX_S = 60.0


class Pulse:
    """When each sign of life was last given. Threads may call everything."""

    def __init__(self, signs: Iterable[str]) -> None:
        self._started = time.monotonic()
        self._last = dict.fromkeys(signs, 0.0)

    def beat(self, sign: str) -> None:
        if sign in self._last:  # else nobody waits for it in this process
            self._last[sign] = time.monotonic()

    def silent(self) -> dict[str, str]:
        """The signs that are missed, and for how long."""
        now = time.monotonic()
        ages = {sign: now - max(last, self._started) for sign, last in self._last.items()}
        return {sign: f"no sign for {age:.0f} s" for sign, age in ages.items() if age > SILENCE_S}

    def missing(self) -> dict[str, str]:
        """The signs that were never given."""
        return {sign: "no sign yet" for sign, last in self._last.items() if not last}


def engine_wrong() -> dict[str, str]:
    """What is wrong with the engine of this worker, once there is one."""
    from chat.generation.worker import worker_started

    worker = worker_started()
    if worker is None:
        return {}
    wrong = {}
    thread = worker.serving.thread
    if thread.is_dead:
        wrong["engine"] = "its thread has ended"
    elif thread.step_s() > STEP_MAX_S:
        wrong["engine"] = f"a step takes {thread.step_s():.0f} s"
    if worker.unsigned_s() > SILENCE_S:
        wrong["redis"] = f"no sign of life for {worker.unsigned_s():.0f} s"
    return wrong


def engine_missing() -> dict[str, str]:
    """Whether the model is still being loaded."""
    from chat.generation.worker import worker_started

    return {} if worker_started() else {"engine": "the model is not loaded yet"}
