"""Loads a site for a while and says what that took: through sockets, or straight from the queue.

The sockets' load is `manage.py bench_chat` in a process of its own. The queue's is a backlog that
is written beforehand (`python -m chat.benchmarks.backlog`): nobody waits for its words, so the
cores belong to the workers, PostgreSQL and Valkey.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import redis

from deploy.local.errors import SetupError
from deploy.local.paths import ROOT
from deploy.scaling.counters import Counters, used
from deploy.scaling.site import Site

_FIRST_REPLY_S = 120.0
_SAMPLES_S = 0.5
_DRAIN_S = 60.0
_LEFT = "SELECT count(*) FROM chat_generation WHERE status IN ('queued', 'running')"


@dataclass(frozen=True)
class Times:
    """Seconds before the measurement and of it."""

    warmup: float = 3.0
    window: float = 10.0


def through_sockets(
    site: Site,
    clients: int,
    times: Times,
    *,
    new_tokens: int = 60,
    url: str = "",
    arguments: tuple[str, ...] = (),
) -> dict[str, Any]:
    """`clients` sockets that each send their next prompt when the last reply has ended."""
    counters = Counters(site)
    out = Path(site.env["EUGPT_VAR_DIR"]) / "bench_chat.json"
    out.unlink(missing_ok=True)
    options = [
        "--url", url or site.socket_url, "--clients", clients, "--seconds", times.window,
        "--warmup", times.warmup, "--new-tokens", new_tokens, "--json", out, *arguments,
    ]  # fmt: skip
    command = [sys.executable, "manage.py", "bench_chat", *map(str, options)]
    child = subprocess.Popen(
        command, cwd=ROOT, env=site.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        load = psutil.Process(child.pid)
        _wait_for_reply(counters, child)
        time.sleep(times.warmup)
        first = counters.read(load)
        spread = _watch(counters, max(times.window - 1.0, 0.5))
        last = counters.read(load)
        text, _ = child.communicate(timeout=180 + times.window)
    finally:
        child.kill()
        counters.close()
    if child.returncode != 0 and not out.exists():
        raise SetupError(f"bench_chat failed:\n{text[-1500:]}\n{site.tails()}")
    numbers: dict[str, Any] = json.loads(out.read_text())
    return {"clients": clients, "load": numbers, "used": used(first, last), "balance": spread}


def through_queue(
    site: Site, replies: int, times: Times, *, new_tokens: int = 60
) -> dict[str, Any]:
    """A backlog of guests' prompts that the workers take as fast as they can."""
    fill_queue(site, replies, new_tokens)
    counters = Counters(site)
    try:
        time.sleep(times.warmup)
        first = counters.read()
        spread = _watch(counters, times.window)
        last = counters.read()
        if not counters.waiting():
            raise SetupError("The backlog ended before the measurement did.")
    finally:
        counters.close()
    return {"used": used(first, last), "balance": spread}


def fill_queue(site: Site, replies: int, new_tokens: int) -> None:
    """Write the backlog; the workers begin while it is written."""
    command = [sys.executable, "-m", "chat.benchmarks.backlog", str(replies), str(new_tokens)]
    result = subprocess.run(
        command, cwd=ROOT, env=site.env, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        raise SetupError(f"the backlog was not written:\n{result.stderr[-1500:]}")


def empty_queue(site: Site) -> None:
    """Forget what still waits and let what runs end."""
    with redis.Redis.from_url(site.redis_url) as client:
        client.delete("generate")
    with psycopg.connect(site.database_url, autocommit=True) as database:
        database.execute("DELETE FROM chat_generation WHERE status = 'queued'")
    drain(site)


def drain(site: Site) -> None:
    """Wait until nothing waits and nothing runs."""
    deadline = time.monotonic() + _DRAIN_S
    with psycopg.connect(site.database_url, autocommit=True) as database:
        while time.monotonic() < deadline:
            if database.execute(_LEFT).fetchone() == (0,):
                return
            time.sleep(0.1)
    raise SetupError(f"The queue does not become empty:\n{site.tails()}")


def _wait_for_reply(counters: Counters, child: subprocess.Popen[str]) -> None:
    """Until the load is under way: importing takes long on a busy machine."""
    before = counters.replies()
    deadline = time.monotonic() + _FIRST_REPLY_S
    while child.poll() is None and time.monotonic() < deadline:
        if counters.replies() != before:
            return
        time.sleep(0.05)
    child.kill()
    text, _ = child.communicate()
    raise SetupError(f"No reply came to bench_chat:\n{text[-1500:]}")


def _watch(counters: Counters, seconds: float) -> dict[str, float]:
    """The mean number of running replies of each worker, over so many seconds."""
    end = time.monotonic() + seconds
    sums: dict[str, int] = {}
    count = 0
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(_SAMPLES_S, left))
        count += 1
        for pid, running in counters.running().items():
            sums[pid] = sums.get(pid, 0) + running
    return {pid: round(total / max(count, 1), 2) for pid, total in sums.items()}
