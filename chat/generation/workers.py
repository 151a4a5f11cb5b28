"""Which workers live and what they hold, from their keys in Redis."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

from accounts.store import redis_client
from chat.generation.worker import WORKER_KEY_PREFIX, WORKERS_KEY


@dataclass(frozen=True, slots=True)
class WorkerState:
    id: str
    running: frozenset[str]
    slots: int
    model: str
    precision: str
    waiting: int = 0  # tasks fetched from the broker and not begun
    # Workers of an earlier version say less.
    sha256: str = ""  # of the checkpoint that new replies come from
    threads: int = 0  # cores that a step may use
    host: str = ""
    pid: int = 0
    started_at: float = 0.0  # time.time()
    tokens_per_s: float = 0.0  # over the last ten seconds
    loading: str = ""  # the checkpoint that is being loaded
    checkpoint_error: str = ""  # why the active one is not served


_SAID = {field.name for field in fields(WorkerState)} - {"id"}


def workers_alive() -> dict[str, WorkerState]:
    """Living workers by id; ids whose key has expired are forgotten."""
    client: Any = redis_client()
    ids = sorted(client.smembers(WORKERS_KEY))
    if not ids:
        return {}
    alive = {}
    for worker_id, raw in zip(ids, client.mget([WORKER_KEY_PREFIX + i for i in ids]), strict=True):
        if raw is None:
            client.srem(WORKERS_KEY, worker_id)
            continue
        state = json.loads(raw)
        state["running"] = frozenset(state["running"])
        # A worker of the next version, while one is replaced by the other, may say more.
        known = {name: value for name, value in state.items() if name in _SAID}
        alive[worker_id] = WorkerState(id=worker_id, **known)
    return alive
