"""What a load may not leave behind, asked from the servers themselves; and Valkey's hour cut short.

A stream lives an hour from its end on (`STREAM_TTL_S`), so a soak of 20 minutes would only ever see
Valkey fill. `Hour` deletes streams that would go in an hour when they are MINUTES old: what comes
and what goes is in balance after that, and the line of memory means something.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import psutil
import psycopg
import redis

STREAMS = "eugpt:gen:"
STREAM_LIFE_S = 180.0
_EVERY_S = 5.0
_HOUR_S = 3600
_ONES_S = 90.0  # keys of tickets, refreshed sign-ins and the like are gone by then


class Hour:
    """A thread that ends a stream's hour after STREAM_LIFE_S. On a EuGPT of the soak's own only."""

    def __init__(self, redis_url: str) -> None:
        self._client = redis.Redis.from_url(redis_url)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hour", daemon=True)

    def __enter__(self) -> Hour:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._client.close()

    def _run(self) -> None:
        while not self._is_over.wait(_EVERY_S):
            with suppress(redis.RedisError):
                self.pass_by()

    def pass_by(self) -> int:
        """Delete what is old enough; how many keys that were."""
        keys = list(self._client.scan_iter(match=f"{STREAMS}*", count=1000))
        pipe = self._client.pipeline(transaction=False)
        for key in keys:
            pipe.ttl(key)
        old = [
            key
            for key, ttl in zip(keys, pipe.execute(), strict=True)
            if 0 <= ttl <= _HOUR_S - STREAM_LIFE_S
        ]
        if old:
            self._client.unlink(*old)
        return len(old)


@dataclass(frozen=True)
class Left:
    """What is there at a moment; `keys` by kind, `lasting` those of them that never expire."""

    keys: dict[str, int]
    lasting: dict[str, int]
    running_rows: int
    sockets: int

    def more_than(self, before: Left) -> list[str]:
        """What is there now and was not before, in words."""
        found = [f"{n} rows queued or running" for n in (self.running_rows,) if n]
        found += [f"{n} open connections to web" for n in (self.sockets,) if n > before.sockets]
        for name, now, then in (
            ("keys", self.keys, before.keys),
            ("keys without an end of life", self.lasting, before.lasting),
        ):
            found += [
                f"{count - then.get(kind, 0)} more {name} of the kind {kind}"
                for kind, count in now.items()
                if count > then.get(kind, 0)
            ]
        return found

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def look(url: str, env: Mapping[str, str]) -> Left:
    """Count keys, rows and connections now."""
    with redis.Redis.from_url(env["REDIS_URL"]) as client:
        keys = list(client.scan_iter(count=1000))
        pipe = client.pipeline(transaction=False)
        for key in keys:
            pipe.ttl(key)
        lives = pipe.execute()
    names = [kind_of(key.decode(errors="replace")) for key in keys]
    lasting = [name for name, ttl in zip(names, lives, strict=True) if ttl == -1]
    with psycopg.connect(env["DATABASE_URL"]) as connection:
        row = connection.execute(
            "SELECT count(*) FROM chat_generation WHERE status IN ('queued', 'running')"
        ).fetchone()
    port = int(url.rpartition(":")[2])
    return Left(
        dict(Counter(names)), dict(Counter(lasting)), int(row[0]) if row else 0, _connections(port)
    )


def kind_of(key: str) -> str:
    """A key's name without what is different in each: ids, users, processes."""
    parts = key.split(":")
    return ":".join(part for part in parts if part and not _is_id(part))


def _is_id(part: str) -> bool:
    return part.isdigit() or (len(part) > 12 and any(c.isdigit() for c in part))


def _connections(port: int) -> int:
    """Established connections that a web process on this port holds."""
    return sum(
        1
        for c in psutil.net_connections("tcp")
        if c.status == psutil.CONN_ESTABLISHED and c.laddr and c.laddr.port == port
    )


def settle(
    url: str, env: Mapping[str, str], before: Left, within_s: float
) -> tuple[Left, list[str]]:
    """Look until nothing is left, or so long; what is there then, and what of it is too much."""
    deadline = time.monotonic() + within_s
    while True:
        left = look(url, env)
        found = left.more_than(before)
        if not found or time.monotonic() > deadline:
            return left, found
        time.sleep(_EVERY_S)


SETTLE_S = STREAM_LIFE_S + _ONES_S
