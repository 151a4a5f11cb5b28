"""The `default` queue in a test without a worker: what was put there, and running it."""

import base64
import json
from typing import Any

from celery import current_app

from accounts.store import redis_client

QUEUE = "default"


def tasks_queued() -> list[tuple[str, list[Any]]]:
    """Names and arguments of the tasks that wait, the oldest first."""
    waiting: Any = redis_client().lrange(QUEUE, 0, -1)
    raw = [json.loads(text) for text in waiting]
    bodies = [json.loads(base64.b64decode(message["body"])) for message in raw]
    names = [message["headers"]["task"] for message in raw]
    return [(name, body[0]) for name, body in zip(names, bodies, strict=True)][::-1]


def tasks_run() -> list[str]:
    """Run what waits, here and now, as a worker would; returns the names."""
    waiting = tasks_queued()
    redis_client().delete(QUEUE)
    for name, args in waiting:
        current_app.tasks[name].apply(args=tuple(args), throw=True)
    return [name for name, _ in waiting]
