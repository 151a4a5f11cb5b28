"""What so many daily users need, and what a million tokens cost: arithmetic on measured costs.

Measured (a file) is what a token, a reply, a socket or a slot costs in CPU time, memory and disk.
Assumed (options) is how people behave, how full machines may be and what a core costs. Everything
that follows is an estimate: nothing larger than the measured machine was run. A *cell* is one
Valkey with its workers and web processes; more cells share nothing but PostgreSQL.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from deploy.scaling.tables import table

# What docs/scaling.md quotes: `measure` writes such a file as model.json.
MEASURED = Path(__file__).parent / "measured.json"
SIZES = (1_000, 100_000, 10_000_000)
_DAY_S = 86_400
_YEAR_DAYS = 365


@dataclass(frozen=True)
class Assumptions:
    """How people use it and what is paid; `full` is how busy any core may be at the peak."""

    messages_per_day: float = 10
    tokens_per_reply: float = 150
    peak: float = 3  # the busiest minutes to the mean of the day
    full: float = 0.6
    price_per_core_hour: float = 0.04
    open_share: float = 0.05  # of the day's users with an open page at the peak
    server_cores: float = 16  # of PostgreSQL's machine
    poke_share: float = 0.2  # of a web process' core for words of other processes' readers

    def items(self) -> Iterator[tuple[str, float]]:
        return iter(asdict(self).items())


@dataclass(frozen=True)
class Measured:
    """What one of each costs; `us` are microseconds of one core's time."""

    worker_us_per_token: float
    web_us_per_token: float
    web_us_per_reply: float
    web_us_per_token_of_others: float
    valkey_us_per_token: float
    valkey_commands_per_token: float
    postgres_us_per_reply: float
    postgres_commits_per_reply: float
    bytes_per_slot: float
    bytes_per_socket: float
    bytes_per_exchange: float
    tokens_per_s_of_a_slot: float

    @classmethod
    def of(cls, results: dict[str, Any]) -> Measured:
        """From the file of `measure`, or from one that has just these numbers."""
        names = {field.name for field in fields(cls)}
        if names <= set(results):
            return cls(**{name: float(results[name]) for name in names})
        web, memory = results["web"], results["memory"]
        cost = web["long"]["cpu_us_per_token"]
        per_reply = web["long"]["cpu_us_per_token"]["postgres"] * web["long_tokens"]
        return cls(
            worker_us_per_token=round(sum(v for n, v in cost.items() if n.startswith("worker")), 1),
            web_us_per_token=web["us_per_token"],
            web_us_per_reply=web["us_per_reply"],
            web_us_per_token_of_others=web["us_per_token_of_others"],
            valkey_us_per_token=cost["valkey"],
            valkey_commands_per_token=web["long"]["valkey_per_token"]["commands"],
            postgres_us_per_reply=round(per_reply),
            postgres_commits_per_reply=web["long"]["database_per_reply"]["commits"],
            bytes_per_slot=memory["bytes_per_slot"],
            bytes_per_socket=memory["bytes_per_socket"],
            bytes_per_exchange=memory["bytes_per_exchange"],
            tokens_per_s_of_a_slot=round(1000 / web["long"]["token_gap_ms"]["p50"], 1),
        )


@dataclass(frozen=True)
class Need:
    """What one number of daily users needs at the peak."""

    users: int
    replies_per_s: float
    tokens_per_s: float
    worker_cores: float
    slots: int
    web_processes: int
    cells: int
    valkey_commands_per_s: float
    valkey_cores: float
    commits_per_s: float
    postgres_cores: float
    postgres_servers: int
    sockets: int
    socket_bytes: float
    storage_bytes_per_year: float
    shared: dict[str, float]
    bottleneck: str
    change: str


def need(users: int, m: Measured, a: Assumptions) -> Need:
    """The parts for so many daily users."""
    replies = users * a.messages_per_day / _DAY_S * a.peak
    tokens = replies * a.tokens_per_reply
    cells = max(1, math.ceil(tokens / _cell_tokens(m, a)))
    postgres = replies * m.postgres_us_per_reply / 1e6 / a.full
    part = _first_limit(tokens, replies, m, a)
    return Need(
        users=users,
        replies_per_s=replies,
        tokens_per_s=tokens,
        worker_cores=tokens * m.worker_us_per_token / 1e6 / a.full,
        slots=max(1, math.ceil(tokens / m.tokens_per_s_of_a_slot / a.full)),
        web_processes=cells * _web_processes(tokens / cells, replies / cells, m, a),
        cells=cells,
        valkey_commands_per_s=tokens * m.valkey_commands_per_token,
        valkey_cores=tokens * m.valkey_us_per_token / 1e6 / a.full,
        commits_per_s=replies * m.postgres_commits_per_reply,
        postgres_cores=postgres,
        postgres_servers=max(1, math.ceil(postgres / a.server_cores)),
        sockets=round(users * a.open_share),
        socket_bytes=users * a.open_share * m.bytes_per_socket,
        storage_bytes_per_year=users * a.messages_per_day * _YEAR_DAYS * m.bytes_per_exchange,
        shared=_shared(tokens, replies, m, a),
        bottleneck=part,
        change=_CHANGES[part],
    )


def cost_per_million(m: Measured, a: Assumptions) -> dict[str, float]:
    """Core-seconds and price of a million tokens at the assumed load: with machines that come and
    go with the load, and with machines that stand there all day for the peak.
    """
    per_reply = (m.web_us_per_reply + m.postgres_us_per_reply) / a.tokens_per_reply
    us = m.worker_us_per_token + m.web_us_per_token + m.valkey_us_per_token + per_reply
    price = us / 3600 * a.price_per_core_hour / a.full
    return {
        "core_s": us,
        "workers_share": m.worker_us_per_token / us,
        "price_following": price,
        "price_standing": price * a.peak,
    }


def capacity_table(m: Measured, a: Assumptions) -> str:
    """The answer as Markdown."""
    needs = [need(users, m, a) for users in SIZES]
    head = ["daily users", *(f"{users:,}" for users in SIZES)]
    rows = [[title, *(show(n) for n in needs)] for title, show in _ROWS]
    cost = cost_per_million(m, a)
    text = (
        f"A million tokens: {cost['core_s']:,.0f} core-seconds ({cost['workers_share']:.0%} of them"
        f" the workers'), {cost['price_following']:.4f} where machines follow the load,"
        f" {cost['price_standing']:.4f} where they stand ready for the peak all day (at"
        f" {a.price_per_core_hour:g} a core-hour)."
    )
    return f"{table(head, rows)}\n\n{text}"


def _cell_tokens(m: Measured, a: Assumptions) -> float:
    """Tokens a second of one cell: Valkey has one core for commands, and each web process reads
    the words of all.
    """
    return min(
        a.full * 1e6 / m.valkey_us_per_token, a.poke_share * 1e6 / m.web_us_per_token_of_others
    )


def _web_processes(tokens: float, replies: float, m: Measured, a: Assumptions) -> int:
    """Of one cell. Each has the own words' share and all others' words on its core."""
    own = (tokens * m.web_us_per_token + replies * m.web_us_per_reply) / 1e6
    left = a.full - tokens * m.web_us_per_token_of_others / 1e6
    return max(1, math.ceil(own / left))


def _shared(tokens: float, replies: float, m: Measured, a: Assumptions) -> dict[str, float]:
    """How full the parts are that more processes do not relieve, were there one of each."""
    return {
        "pokes": tokens * m.web_us_per_token_of_others / 1e6 / a.poke_share,
        "valkey": tokens * m.valkey_us_per_token / 1e6 / a.full,
        "postgres": replies * m.postgres_us_per_reply / 1e6 / a.full / a.server_cores,
    }


def _first_limit(tokens: float, replies: float, m: Measured, a: Assumptions) -> str:
    """What is the fullest where anything is full. More workers and web processes are a number in a
    file: what is shared comes first.
    """
    web = (tokens * m.web_us_per_token + replies * m.web_us_per_reply) / 1e6
    processes = {"worker": tokens * m.worker_us_per_token / 1e6 / a.full, "web": web / a.full}
    for parts in (_shared(tokens, replies, m, a), processes):
        name = max(parts, key=lambda part: parts[part])
        if parts[name] > 1:
            return name
    return "none"


_CHANGES = {
    "none": "nothing: one core for the worker is not full",
    "worker": "more workers",
    "web": "more web processes",
    "pokes": "cells: a Valkey with its own web processes for each shard of generations",
    "valkey": "cells: a Valkey for each shard of generations",
    "postgres": "read replicas and partitions, then a PostgreSQL for each shard of users",
}

_ROWS = (
    ("replies/s at the peak", lambda n: _short(n.replies_per_s)),
    ("tokens/s at the peak", lambda n: _short(n.tokens_per_s)),
    ("cores for workers", lambda n: _short(n.worker_cores)),
    ("slots", lambda n: f"{n.slots:,}"),
    ("web processes (a core each)", lambda n: f"{n.web_processes:,}"),
    ("cells", lambda n: f"{n.cells:,}"),
    ("Valkey, commands/s", lambda n: _short(n.valkey_commands_per_s)),
    ("Valkey, cores", lambda n: _short(n.valkey_cores)),
    ("PostgreSQL, commits/s", lambda n: _short(n.commits_per_s)),
    ("PostgreSQL, cores", lambda n: _short(n.postgres_cores)),
    ("PostgreSQL, servers", lambda n: f"{n.postgres_servers:,}"),
    ("open sockets", lambda n: f"{n.sockets:,}"),
    ("memory of sockets, GB", lambda n: _short(n.socket_bytes / 1e9)),
    ("storage a year, GB", lambda n: _short(n.storage_bytes_per_year / 1e9)),
    ("were there one Valkey: full to", lambda n: _percent(n.shared["valkey"])),
    ("… each web process' ear for words", lambda n: _percent(n.shared["pokes"])),
    ("… one PostgreSQL server", lambda n: _percent(n.shared["postgres"])),
    ("first bottleneck", lambda n: n.bottleneck),
    ("what lifts it", lambda n: n.change),
)


def _percent(value: float) -> str:
    return f"{_short(value * 100)} %"


def _short(value: float) -> str:
    """Two digits that count: more would claim too much."""
    if value >= 100:
        digits = len(str(int(value))) - 2
        return f"{round(value / 10**digits) * 10**digits:,}"
    return f"{value:.2g}"
