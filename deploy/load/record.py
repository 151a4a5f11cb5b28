"""The log of a run: one JSON line for each request, reply and second. Knows no Locust.

Every process of Locust writes a file of its own; `figures.py` reads them together. Times are
`time.time()`.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from deploy.load.replies import Reply

FOLDER_VARIABLE = "LOAD_OUT"


class Record:
    """Appends to `people-PID.jsonl` in the folder that the environment names; else to nothing."""

    def __init__(self) -> None:
        folder = os.environ.get(FOLDER_VARIABLE)
        path = Path(folder) / f"people-{os.getpid()}.jsonl" if folder else Path(os.devnull)
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def close(self) -> None:
        self._file.close()

    def users(self, count: int) -> None:
        self._write("users", count=count)

    def request(self, name: str, ms: float, error: str) -> None:
        self._write("request", name=name, ms=round(ms, 1), error=error)

    def turned_away(self, code: str, wait_s: float) -> None:
        self._write("turned_away", code=code, wait_s=wait_s)

    def asked_again(self) -> None:
        """A request met a connection that had been closed and was sent once more."""
        self._write("asked_again")

    def reply(self, reply: Reply, error: str) -> None:
        """A reply that has ended: `first` and `last` say when its words came."""
        to_wall = time.time() - time.monotonic()
        words = reply.words[:-1]
        self._write(
            "reply",
            transport=reply.transport,
            ttft_ms=_rounded(reply.ttft_ms),
            gap_p95_ms=_rounded(reply.gap_p95_ms),
            whole_ms=_rounded(reply.whole_ms),
            tokens=reply.tokens,
            first=round(words[0] + to_wall, 3) if words else None,
            last=round(words[-1] + to_wall, 3) if words else None,
            resumes=reply.resumes,
            end=reply.finish_reason or reply.code,
            error=error,
        )

    def _write(self, kind: str, **values: Any) -> None:
        line = {"t": round(time.time(), 3), "kind": kind, **values}
        self._file.write(json.dumps(line) + "\n")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
