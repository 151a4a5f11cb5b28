"""Which metrics each process shows. docs/observability.md has the same as a table."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
)

from accounts.errors import ApiError
from chat.delivery.endings import ERROR_DETAILS
from chat.metrics import LIFE, WEB, WORKER, errors_begin
from chat.wire.shapes import CODES
from eugpt.metrics import http as _http  # adds to WEB
from eugpt.metrics.cluster import CLUSTER, Cluster
from eugpt.metrics.processes import BEAT, ENGINE, POOL, TASKS, Build

assert _http

# Of every process: memory, CPU, open files, collections of garbage.
_OF_PYTHON = (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR)
SHOWN: dict[str, tuple[CollectorRegistry, ...]] = {
    "web": (LIFE, WEB, POOL),
    "worker": (LIFE, WORKER, ENGINE, POOL, TASKS),
    "jobs": (LIFE, CLUSTER, POOL, TASKS),
    "beat": (BEAT,),
}


def registry_of(role: str, on_redis: Callable[[], None] = lambda: None) -> CollectorRegistry:
    """Everything a process of this role shows; of jobs it begins to look at the cluster."""
    registry = CollectorRegistry()
    for collector in (*_OF_PYTHON, Build(role)):
        registry.register(collector)
    for group in SHOWN[role]:
        registry.register(group)
    if LIFE in SHOWN[role]:
        errors_begin("generation", (*ERROR_DETAILS, "internal"))
    if role == "web":
        errors_begin("api", {*CODES, *(kind.default_code for kind in ApiError.__subclasses__())})
    if role == "jobs":
        cluster = Cluster(on_redis)
        CLUSTER.register(cluster)
        cluster.start()
    return registry
