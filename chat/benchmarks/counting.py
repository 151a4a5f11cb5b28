"""What counting costs the hot paths: `python -m chat.benchmarks.counting`. Needs no server.

A worker counts once for each step of its engine and each append, a web process once for each entry
that goes to a socket. The share is of a step of one reply, the shortest there is: `--step-ms` is
what `make bench` measures on this machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable

ROUNDS, CALLS = 7, 20_000


def cost_us(call: Callable[[], object]) -> float:
    """Microseconds a call, of the best of some rounds."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(CALLS):
            call()
        times.append(time.perf_counter() - began)
    return min(times) / CALLS * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step-ms", type=float, default=2.5, help="of one reply, by `make bench`")
    step_ms: float = parser.parse_args().step_ms
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "eugpt.settings")
    import django

    django.setup()
    from chat import metrics
    from inference.public import StepStats

    generated = [[1]] * 32

    def worker() -> None:
        """What the engine notes for it, too."""
        step = StepStats(time.monotonic(), time.monotonic(), batch=32)
        step.continued = sum(1 for ids in generated if ids)
        metrics.engine_stepped(step)
        metrics.tokens_written(32)

    rows = {
        "a step of the engine, 32 replies": cost_us(worker),
        "an append": cost_us(lambda: metrics.PUBLISH.add(0.001)),
        "an entry to a socket": cost_us(lambda: metrics.entry_sent("1763880000000-0", 0)),
    }
    for name, us in rows.items():
        sys.stdout.write(f"{name:36} {us:6.2f} us   {us / step_ms / 10:.3f} % of {step_ms:g} ms\n")


if __name__ == "__main__":
    main()
