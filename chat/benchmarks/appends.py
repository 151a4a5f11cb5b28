"""How many words Redis takes: `python -m chat.benchmarks.appends SECONDS WRITERS`.

Several threads append as publishers do, 32 replies a call, to streams that nobody reads, and print
how many entries were taken. What the server used for them is for the caller to ask.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import uuid

REPLIES = 32
_ENTRIES_MAX = 120  # of a stream, as of a usual reply


def _write(until: float, counts: list[int]) -> None:
    from chat.delivery import streams
    from chat.delivery.streams import Addition, NewEntry

    count, number, names = 0, 0, [""] * REPLIES
    while time.monotonic() < until:
        if number % _ENTRIES_MAX == 0:
            names, number = [str(uuid.uuid4()) for _ in range(REPLIES)], 0
            for name in names:
                streams.take_over(name, 1)
        body = json.dumps({"seq": number, "text": " words of"})
        entry = NewEntry("*", "token", body, "1234,567")
        streams.append_all([Addition(name, 1, entry, number) for name in names])
        number += 1
        count += REPLIES
    counts.append(count)


def measure(seconds: float, writers: int) -> float:
    """Entries a second; needs Django's settings."""
    counts: list[int] = []
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=_write, args=(until, counts)) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def main() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "eugpt.settings")
    django.setup()
    sys.stdout.write(f"{measure(float(sys.argv[1]), int(sys.argv[2])):.1f}\n")


if __name__ == "__main__":
    main()
