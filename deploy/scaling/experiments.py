"""The experiments of `make bench-scale`. Each is a function of a site that gives plain numbers.

What is compared is measured in turn (A, B, A, B, …): a machine that is busy otherwise then hurts
both alike, and the spread between repeats shows how much.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil

from deploy.scaling import servers
from deploy.scaling.counters import memory_bytes
from deploy.scaling.load import (
    Times,
    drain,
    empty_queue,
    fill_queue,
    through_queue,
    through_sockets,
)
from deploy.scaling.site import Site, Worker, cores_here, has_quotas

Numbers = dict[str, Any]

# Of one core, for each of two workers: what is left is enough for PostgreSQL and Valkey, and only
# just for the whole chain.
_SHARE = 0.6


@dataclass(frozen=True)
class Size:
    """How much is measured; `SMALL` is for the test that all of it runs."""

    times: Times
    queue_times: Times
    clients: tuple[int, ...] = (1, 4, 16, 32, 64, 128, 256)
    workers: tuple[tuple[int, int], ...] = ((1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2))
    repeats: int = 3
    backlog: int = 800
    slots: int = 32
    slot_sizes: tuple[int, ...] = (8, 128)
    idle: int = 500
    new_tokens: int = 60
    long_tokens: int = 200
    crowd: int = 32
    server_s: int = 3


FULL = Size(times=Times(3.0, 6.0), queue_times=Times(2.0, 6.0))
SMALL = Size(
    times=Times(0.5, 3.0), queue_times=Times(0.2, 0.8), clients=(2,), workers=((1, 1),), repeats=1,
    backlog=2500, slots=4, slot_sizes=(2, 8), idle=10, new_tokens=8, long_tokens=16, crowd=4,
    server_s=1,
)  # fmt: skip


def by_clients(site: Site, size: Size) -> Numbers:
    """One worker with a thread for each core, and more and more clients."""
    site.set_workers([Worker(len(cores_here()), size.slots)])
    points = []
    for clients in size.clients:
        extra = 1.5 if clients > 2 * size.slots else 1.0  # until the queue has its usual length
        times = Times(size.times.warmup * extra, size.times.window * extra)
        points.append(_point(through_sockets(site, clients, times, new_tokens=size.new_tokens)))
    return {"workers": 1, "threads": len(cores_here()), "slots": size.slots, "points": points}


def by_workers(site: Site, size: Size) -> Numbers:
    """The same load on more workers with one or two threads, on all cores."""
    points = []
    for workers, threads in size.workers:
        site.set_workers([Worker(threads, size.slots)] * workers)
        found = through_sockets(site, size.crowd, size.times, new_tokens=size.new_tokens)
        points.append({"workers": workers, "threads": threads, **_point(found)})
    return {"clients": size.crowd, "slots": size.slots, "points": points}


def two_workers(site: Site, size: Size) -> Numbers:
    """One worker and two, each on a core of its own, in turn; three ways to say who has the core.

    `own`: each gets so much of its core and no more, so what the others need is always free: as on
    a machine with more cores. `shared`: one core for one worker and everything else, then two cores
    for two workers and everything else. Both from the queue. `sockets`: as `own`, with the whole
    chain and clients.
    """
    first, second = (cores_here() * 2)[:2]
    names = site.set_workers([Worker(1, size.slots, (first,)), Worker(1, size.slots, (second,))])
    found: Numbers = {"share_of_core": _SHARE, "slots": size.slots}
    if has_quotas():
        site.limit_workers(_SHARE)
        found["own"] = _in_turn(site, size, names[1], _from_queue)
        found["sockets"] = _in_turn(site, size, names[1], _from_sockets)
        site.limit_workers(0)
    else:
        found["own"] = found["sockets"] = None  # needs root and the kernel's CPU controller

    def shared(site: Site, size: Size, count: int) -> Numbers:
        site.pin_others((first,) if count == 1 else (first, second))
        return _from_queue(site, size, count)

    found["shared"] = _in_turn(site, size, names[1], shared)
    site.pin_others(tuple(cores_here()))
    return found


def _in_turn(
    site: Site, size: Size, second: str, measure: Callable[[Site, Size, int], Numbers]
) -> Numbers:
    """One worker (the second stands still), then two, `repeats` times."""
    pairs = []
    for _ in range(size.repeats):
        with _standing(site, second):
            one = measure(site, size, 1)
        pairs.append((one, measure(site, size, 2)))
    ratios = sorted(two["tokens_per_s"] / one["tokens_per_s"] for one, two in pairs)
    return {
        "ratio": round(ratios[len(ratios) // 2], 3),
        "ratio_min": round(ratios[0], 3),
        "ratio_max": round(ratios[-1], 3),
        "one": [one for one, _ in pairs],
        "two": [two for _, two in pairs],
    }


def _from_queue(site: Site, size: Size, count: int) -> Numbers:
    backlog = size.backlog * count
    used = through_queue(site, backlog, size.queue_times, new_tokens=size.new_tokens)["used"]
    empty_queue(site)
    return _per_worker(site, used)


def _from_sockets(site: Site, size: Size, count: int) -> Numbers:
    """As many clients as two workers have slots: with one worker half of them wait."""
    times, clients = size.queue_times, 2 * size.slots
    used = through_sockets(site, clients, times, new_tokens=size.new_tokens)["used"]
    return _per_worker(site, used)


def _per_worker(site: Site, used: Numbers) -> Numbers:
    """Beside the pace, the tokens that a second of the workers' CPU time gave."""
    worker_us = sum(used.get("cpu_us_per_token", {}).get(name, 0) for name in site.workers)
    pace = {"tokens_per_worker_cpu_s": round(1e6 / worker_us, 1) if worker_us else 0.0}
    return {"tokens_per_s": used["tokens_per_s"], **pace, "cores": used.get("cores", {})}


@contextmanager
def _standing(site: Site, name: str) -> Iterator[None]:
    """A worker that holds nothing stands still, as if it were not there.

    The one task that it may have asked for is sent again by the reaper.
    """
    process = psutil.Process(site.pid(name))
    process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(3.2)  # its sign of life is gone
        yield
    finally:
        process.send_signal(signal.SIGCONT)
        time.sleep(1.5)


def balance(site: Site, size: Size) -> Numbers:
    """Who gets the replies where slots are free: two equal workers, and two unequal ones."""
    first, second = (cores_here() * 2)[:2]
    pair = [Worker(1, size.slots, (first,)), Worker(1, size.slots, (second,))]
    site.set_workers(pair)
    clients = max(size.crowd // 2, 2)
    found = {"clients": clients, "equal": _balance(site, clients, size)}
    if has_quotas():
        site.limit_workers(_SHARE, _SHARE / 3)
        found["unequal"] = _balance(site, clients, size)
    return found


def _balance(site: Site, clients: int, size: Size) -> Numbers:
    found = through_sockets(site, clients, size.times, new_tokens=size.new_tokens)
    return {**_point(found), "running": list(found["balance"].values())}


def web_relay(site: Site, size: Size) -> Numbers:
    """What the web process uses for a token and for a reply, and what pokes cost another one, all
    of whose readers have gone.
    """
    site.set_workers([Worker(len(cores_here()), size.slots)])
    short = through_sockets(site, size.crowd, size.times, new_tokens=size.new_tokens)
    with site.more_web() as (other, url):
        # A web process listens from its first reader on.
        through_sockets(site, 1, Times(0.2, 1.5), new_tokens=size.new_tokens, url=url)
        long = through_sockets(site, size.crowd, size.times, new_tokens=size.long_tokens)
        others_us = long["used"]["cpu_us_per_token"][other]
    short_us = short["used"]["cpu_us_per_token"]["web"] * size.new_tokens
    long_us = long["used"]["cpu_us_per_token"]["web"] * size.long_tokens
    token_us = max((long_us - short_us) / (size.long_tokens - size.new_tokens), 0.1)
    return {
        "short_tokens": size.new_tokens,
        "long_tokens": size.long_tokens,
        "us_per_token": round(token_us, 1),
        "us_per_reply": round(max(short_us - token_us * size.new_tokens, 0.0)),
        "us_per_token_of_others": others_us,
        "share_short": _share(short["used"], "web"),
        "share_long": _share(long["used"], "web"),
        "short": _point(short),
        "long": _point(long),
    }


def _share(used: Numbers, part: str) -> float:
    """Of all CPU time that EuGPT used; the clients are not EuGPT."""
    cores = {name: value for name, value in used["cores"].items() if name != "client"}
    share: float = cores[part] / sum(cores.values())
    return round(share, 4)


def memory(site: Site, size: Size) -> Numbers:
    """What a worker holds with few slots and with many, all of them used; what a socket costs."""
    found: Numbers = {"workers": []}
    for slots in size.slot_sizes:
        (name,) = site.set_workers([Worker(len(cores_here()), slots)])
        loaded = memory_bytes(psutil.Process(site.pid(name)))
        fill_queue(site, slots * 3 // 2, size.new_tokens)
        drain(site)
        full = memory_bytes(psutil.Process(site.pid(name)))
        found["workers"].append({"slots": slots, "loaded_bytes": loaded, "used_bytes": full})
    few, many = found["workers"][0], found["workers"][-1]
    found["bytes_per_slot"] = round(
        (many["used_bytes"] - few["used_bytes"]) / (many["slots"] - few["slots"])
    )
    options = ("--idle", str(size.idle))
    load = through_sockets(site, 1, Times(0.5, 1.0), new_tokens=size.new_tokens, arguments=options)
    found["bytes_per_socket"] = round(load["load"]["idle"]["web_kib_per_socket"] * 1024)
    found["sockets"] = size.idle
    found["bytes_per_exchange"] = _exchange_bytes(site, size)
    return found


def _exchange_bytes(site: Site, size: Size) -> int:
    """What a prompt of a member and its reply add to the database, indexes and all; each begins a
    conversation.
    """
    before = servers.database_bytes(site)
    options = ("--members",)
    times = Times(size.times.warmup, size.times.window / 2)
    load = through_sockets(site, 8, times, new_tokens=size.new_tokens, arguments=options)
    replies: int = load["load"]["checked_replies"]
    return round((servers.database_bytes(site) - before) / max(replies, 1))


def pace_of_servers(site: Site, size: Size) -> Numbers:
    """Valkey and PostgreSQL with nothing else to do."""
    site.set_workers([])
    return {
        "valkey": servers.valkey_pace(site, size.server_s),
        "postgres": servers.postgres_pace(site, size.server_s),
    }


def _point(found: Numbers) -> Numbers:
    """What is kept of a load."""
    load, used = found["load"], found["used"]
    return {
        "clients": found["clients"],
        "tokens_per_s": load["tokens_per_s"],
        "ttft_ms": load["ttft_ms"],
        "token_gap_ms": load["token_gap_ms"],
        "tokens_per_message": load["tokens_per_message"],
        "errors": load["errors"],
        "faults": sum(load["faults"].values()),
        "balance": list(found["balance"].values()),
        **{name: used[name] for name in used if name != "tokens_per_s"},
    }


EXPERIMENTS: dict[str, Callable[[Site, Size], Numbers]] = {
    "clients": by_clients,
    "two_workers": two_workers,
    "web": web_relay,
    "memory": memory,
    "workers": by_workers,
    "balance": balance,
    "servers": pace_of_servers,
}
