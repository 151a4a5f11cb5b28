"""What the parts count themselves: CPU time, Valkey's commands, PostgreSQL's transactions, replies.

Two readings and the time between them give rates; whoever is read pays for it, so the readings are
few. `used` is what a token or a reply cost.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil
import psycopg
import redis

from deploy.local.errors import SetupError
from deploy.scaling.site import Site

_SQL = """
SELECT (SELECT count(*) FROM chat_generation WHERE status = 'completed'),
       (SELECT coalesce(sum(completion_tokens), 0) FROM chat_generation WHERE status = 'completed'),
       d.xact_commit, d.tup_inserted + d.tup_updated + d.tup_deleted, d.tup_returned,
       w.wal_bytes, w.wal_records
FROM pg_stat_database d, pg_stat_wal w WHERE d.datname = current_database()
"""


@dataclass(frozen=True)
class Reading:
    """Everything at one moment; CPU seconds by part."""

    at: float
    cpu_s: dict[str, float]
    replies: int
    tokens: int
    database: dict[str, int]
    valkey: dict[str, float]
    calls: dict[str, int]


class Counters:
    """Reads a site; keeps one connection to each server."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._redis: Any = redis.Redis.from_url(site.redis_url, decode_responses=True)
        self._database = psycopg.connect(site.database_url, autocommit=True)

    def close(self) -> None:
        self._redis.close()
        self._database.close()

    def read(self, client: psutil.Process | None = None) -> Reading:
        """Now. `client` is whoever makes the load."""
        cpu_s = {name: sum(map(_cpu_s, ps)) for name, ps in self._site.parts().items()}
        if client is not None:
            cpu_s["client"] = _cpu_s(client)
        info = self._redis.info("all")
        row = self._database.execute(_SQL).fetchone()
        assert row is not None
        replies, tokens, commits, rows, read_rows, wal_bytes, wal_records = map(int, row)
        return Reading(
            time.perf_counter(), cpu_s, replies, tokens,
            {
                "commits": commits, "rows_written": rows, "rows_read": read_rows,
                "wal_bytes": wal_bytes, "wal_records": wal_records,
            },
            {
                "commands": info["total_commands_processed"],
                "in_bytes": info["total_net_input_bytes"],
                "out_bytes": info["total_net_output_bytes"],
                "memory_bytes": info["used_memory"],
            },
            {
                name.removeprefix("cmdstat_"): stat["calls"]
                for name, stat in info.items() if name.startswith("cmdstat_")
            },
        )  # fmt: skip

    def replies(self) -> int:
        """How many have ended well."""
        row = self._database.execute(
            "SELECT count(*) FROM chat_generation WHERE status = 'completed'"
        ).fetchone()
        return int(row[0]) if row else 0

    def waiting(self) -> int:
        """Tasks in the queue of prompts."""
        return int(self._redis.llen("generate"))

    def running(self) -> dict[str, int]:
        """How many replies each living worker writes now, by its process id."""
        import json

        ids = sorted(self._redis.smembers("eugpt:workers"))
        signs = self._redis.mget([f"eugpt:worker:{i}" for i in ids]) if ids else []
        states = [json.loads(sign) for sign in signs if sign]
        return {str(state["pid"]): len(state["running"]) for state in states}


def used(first: Reading, last: Reading) -> dict[str, Any]:
    """Rates between two readings, and what each token and reply cost."""
    seconds = last.at - first.at
    tokens, replies = last.tokens - first.tokens, last.replies - first.replies
    if not tokens:
        raise SetupError(f"No reply ended in {seconds:.1f} s: the machine is too busy to measure.")
    cpu = {name: value - first.cpu_s.get(name, 0.0) for name, value in last.cpu_s.items()}
    database = {name: value - first.database[name] for name, value in last.database.items()}
    valkey = {name: value - first.valkey[name] for name, value in last.valkey.items()}
    calls = {name: count - first.calls.get(name, 0) for name, count in last.calls.items()}
    calls = dict(sorted(calls.items(), key=lambda item: -item[1])[:12])
    return {
        "seconds": round(seconds, 2),
        "tokens_per_s": round(tokens / seconds, 1),
        "replies_per_s": round(replies / seconds, 2),
        "cores": {name: round(value / seconds, 4) for name, value in cpu.items()},
        "cpu_us_per_token": {n: round(value * 1e6 / tokens, 1) for n, value in cpu.items()},
        "valkey_per_token": {
            "commands": round(valkey["commands"] / tokens, 3),
            "in_bytes": round(valkey["in_bytes"] / tokens),
            "out_bytes": round(valkey["out_bytes"] / tokens),
        },
        "valkey_calls_per_reply": {
            name: round(count / replies, 2) for name, count in calls.items() if count
        },
        "database_per_reply": {n: round(value / replies, 2) for n, value in database.items()},
    }


def memory_bytes(process: psutil.Process) -> int:
    """What it alone holds (shared pages are counted once), else what is resident."""
    with suppress(psutil.Error, AttributeError):
        return int(process.memory_full_info().uss)
    return int(process.memory_info().rss)


def _cpu_s(process: psutil.Process) -> float:
    """With children that have ended (PostgreSQL's connections)."""
    try:
        t = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(t.user + t.system + t.children_user + t.children_system)
