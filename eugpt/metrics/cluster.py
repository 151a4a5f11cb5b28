"""What is the same wherever one asks: queue, workers, Valkey, PostgreSQL, disk. From `jobs` only.

A thread looks every few seconds, so that a scrape never waits for a server. What cannot be seen is
left out and not told as it was: alerts tell a gap from a number. With several jobs processes each
tells the same, so rules take the max.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.db import close_old_connections, connection
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from accounts.store import redis_client
from chat.generation.reaper import QUEUE
from chat.generation.workers import workers_alive
from chat.models import Status

logger = logging.getLogger(__name__)

LOOK_S = 5.0
_STALE_S = 30.0

Gauges = dict[str, float]

CLUSTER = CollectorRegistry()

DISKS = {"var": "VAR_DIR", "code": "BASE_DIR"}
HELP = {
    "eugpt_queue_depth": "Generations that wait for a worker",
    "eugpt_queue_age_seconds": "How long the oldest of them has waited since it joined",
    "eugpt_generations_running": "Generations that a worker has",
    "eugpt_workers": "Workers that have given a sign of life in the last 3 s",
    "eugpt_checkpoint_refused": "Workers that cannot serve the active checkpoint",
    "eugpt_tasks_waiting": "Tasks in the broker that tell workers of a generation",
    "eugpt_valkey_memory_bytes": "Memory that Valkey (Redis) uses",
    "eugpt_valkey_memory_max_bytes": "Memory it may use; 0 is without limit",
    "eugpt_valkey_clients": "Connections to Valkey",
    "eugpt_valkey_aof_ok": "Whether its append-only file is written: 1, or 0 after an error",
    "eugpt_postgres_connections": "Connections to PostgreSQL, of whomever",
    "eugpt_postgres_connections_max": "Connections it takes",
    "eugpt_postgres_size_bytes": "Size of the database",
}
# With a label each: its name and the values.
LABELLED = {
    "eugpt_slots": ("Places for replies in all workers", "state", ("busy", "free")),
    "eugpt_disk_free_bytes": ("Free on the disk of EUGPT_VAR_DIR, of the code", "of", DISKS),
    "eugpt_disk_bytes": ("Size of these disks", "of", DISKS),
}

_QUEUE = """
SELECT count(*) FILTER (WHERE status = %s), count(*) FILTER (WHERE status = %s),
    coalesce(extract(epoch FROM now() - min(queued_at) FILTER (WHERE status = %s)), 0)
FROM chat_generation WHERE status = ANY(%s)
"""
_POSTGRES = """
SELECT (SELECT sum(numbackends) FROM pg_stat_database),
    current_setting('max_connections')::int, pg_database_size(current_database())
"""


def _queue() -> Gauges:
    waiting = [Status.QUEUED.value, Status.RUNNING.value]
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE, [Status.QUEUED, Status.RUNNING, Status.QUEUED, waiting])
        depth, running, age = cursor.fetchone()
    return {
        "eugpt_queue_depth": depth,
        "eugpt_generations_running": running,
        "eugpt_queue_age_seconds": max(float(age), 0.0),
    }


def _postgres() -> Gauges:
    with connection.cursor() as cursor:
        cursor.execute(_POSTGRES)
        connections, limit, size = cursor.fetchone()
    return {
        "eugpt_postgres_connections": float(connections),
        "eugpt_postgres_connections_max": limit,
        "eugpt_postgres_size_bytes": size,
    }


def _workers() -> Gauges:
    alive = workers_alive().values()
    slots, busy = sum(w.slots for w in alive), sum(len(w.running) for w in alive)
    client: Any = redis_client()
    return {
        "eugpt_workers": len(alive),
        "eugpt_checkpoint_refused": sum(1 for w in alive if w.checkpoint_error),
        "eugpt_tasks_waiting": client.llen(QUEUE),
        "eugpt_slots/busy": busy,
        "eugpt_slots/free": max(slots - busy, 0),
    }


def _valkey() -> Gauges:
    said: Any = redis_client().info()
    is_written = said.get("aof_last_write_status", "ok") == "ok"
    return {
        "eugpt_valkey_memory_bytes": said["used_memory"],
        "eugpt_valkey_memory_max_bytes": said.get("maxmemory", 0),
        "eugpt_valkey_clients": said["connected_clients"],
        "eugpt_valkey_aof_ok": float(is_written),
    }


def _disk() -> Gauges:
    gauges: Gauges = {}
    for of, name in DISKS.items():
        usage = shutil.disk_usage(getattr(settings, name))
        gauges |= {f"eugpt_disk_free_bytes/{of}": usage.free, f"eugpt_disk_bytes/{of}": usage.total}
    return gauges


_LOOKS: tuple[Callable[[], Gauges], ...] = (_queue, _postgres, _workers, _valkey, _disk)


class Cluster(Collector):
    """The newest look at everything; `on_redis` is called whenever Valkey has answered."""

    def __init__(self, on_redis: Callable[[], None] = lambda: None) -> None:
        self._seen: dict[str, tuple[float, float]] = {}  # value, time.monotonic()
        self._on_redis = on_redis
        self._looked_at = 0.0  # time.time()
        self._is_answering = True

    def start(self) -> None:
        threading.Thread(target=self._run, name="cluster", daemon=True).start()

    def _run(self) -> None:
        while True:
            self.look()
            close_old_connections()
            time.sleep(LOOK_S)

    def look(self) -> None:
        """Ask everybody; who does not answer leaves a gap."""
        failed: Exception | None = None
        for ask in _LOOKS:
            try:
                gauges = ask()
            except Exception as error:  # noqa: BLE001  (the others can be seen)
                failed = error
                continue
            at = time.monotonic()
            # Another dict: a scrape may be reading this one.
            self._seen = self._seen | {name: (value, at) for name, value in gauges.items()}
            if ask is _valkey:
                self._on_redis()
        if failed is None:
            self._looked_at = time.time()
        elif self._is_answering:
            logger.warning("not all of the cluster could be seen: %s", failed)
        self._is_answering = failed is None

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return [GaugeMetricFamily(name, text) for name, text in HELP.items()]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        since = time.monotonic() - _STALE_S
        fresh = {name: value for name, (value, at) in self._seen.items() if at >= since}
        for name, text in HELP.items():
            if name in fresh:
                yield GaugeMetricFamily(name, text, fresh[name])
        for name, (text, label, values) in LABELLED.items():
            family = GaugeMetricFamily(name, text, labels=[label])
            for value in values:
                if (seen := fresh.get(f"{name}/{value}")) is not None:
                    family.add_metric([value], seen)
            yield family
        yield GaugeMetricFamily(
            "eugpt_cluster_seen_timestamp_seconds",
            "When all of the above was last seen",
            self._looked_at,
        )
