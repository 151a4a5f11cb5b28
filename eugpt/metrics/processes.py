"""What belongs to a process itself: what it is, its model, its connections, its tasks."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from typing import Any

from celery.signals import after_task_publish, task_failure, task_success
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.postgresql.base import DatabaseWrapper
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from eugpt.version import version

# Shown by web, worker and jobs, which have a pool; by workers; by worker and jobs; by beat.
POOL, ENGINE, TASKS, BEAT = (CollectorRegistry() for _ in range(4))

_ENDED = Counter("eugpt_tasks", "Tasks that have ended", ["task", "state"], registry=TASKS)
_SENT = Counter("eugpt_tasks_sent", "Tasks that the schedule has sent", ["task"], registry=BEAT)


class Build(Collector):
    """Which process this is; a value of 1 with everything in its labels."""

    def __init__(self, role: str) -> None:
        self._role = role

    def collect(self) -> Iterable[GaugeMetricFamily]:
        labels = {"process": self._role, "version": version(), "python": platform.python_version()}
        build = GaugeMetricFamily("eugpt_build_info", "What runs here", labels=list(labels))
        build.add_metric(list(labels.values()), 1)
        yield build


class Pool(Collector):
    """The connections to PostgreSQL of this process."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        # Before the first query there is none; asking for it would open one.
        pools: Any = DatabaseWrapper._connection_pools  # type: ignore[attr-defined]
        made = pools.get(DEFAULT_DB_ALIAS)
        stats = made.get_stats() if made is not None else {}
        size, free = stats.get("pool_size", 0), stats.get("pool_available", 0)
        pool = GaugeMetricFamily(
            "eugpt_db_pool_connections", "Connections of this process", labels=["state"]
        )
        pool.add_metric(["busy"], size - free)
        pool.add_metric(["free"], free)
        yield pool
        yield GaugeMetricFamily(
            "eugpt_db_pool_waiting", "Threads that wait for one", stats.get("requests_waiting", 0)
        )


class Engine(Collector):
    """The model that a worker serves, and its places."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        from chat.generation.worker import worker_started

        worker = worker_started()
        names = ["model", "sha256", "precision"]
        checkpoint = GaugeMetricFamily("eugpt_checkpoint_info", "What it serves", labels=names)
        slots = GaugeMetricFamily("eugpt_worker_slots", "Places of this worker", labels=["state"])
        if worker is not None:
            serving = worker.serving
            form = serving.format
            checkpoint.add_metric([form.name, form.sha256[:12], serving.precision], 1)
            held = worker.held_count()
            slots.add_metric(["busy"], held)
            slots.add_metric(["free"], max(settings.SLOTS - held, 0))
        yield checkpoint
        yield slots


POOL.register(Pool())
ENGINE.register(Engine())


@task_success.connect
def _succeeded(sender: Any = None, **_: Any) -> None:
    _ENDED.labels(sender.name, "success").inc()


@task_failure.connect
def _failed(sender: Any = None, **_: Any) -> None:
    _ENDED.labels(sender.name, "failure").inc()


@after_task_publish.connect
def _sent(sender: Any = None, **_: Any) -> None:
    _SENT.labels(str(sender)).inc()
