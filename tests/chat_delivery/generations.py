"""Generations, claims and workers as the tests of their life need them, without a worker."""

import json
from typing import Any

from accounts.store import redis_client
from chat.delivery import streams
from chat.generation.lifecycle import generation_claim
from chat.generation.submit import Owner, generation_submit
from chat.generation.worker import WORKER_KEY_PREFIX, WORKERS_KEY
from chat.models import Generation
from inference.public import Turn


def submit(owner: Owner) -> Generation:
    return Generation.objects.get(pk=generation_submit(owner=owner, text="hi").generation_id)


def kept_turns(generation_id: object) -> list[Turn] | None:
    """A prompt's turns as they wait in Redis; None where nothing does."""
    key = streams.control_key(str(generation_id))
    raw: Any = redis_client().hget(key, "input")
    return [Turn(*turn) for turn in json.loads(raw)] if raw else None


def claim(generation: Generation, worker_id: str = "w1") -> Generation:
    """Claim it as a worker does; it must be the one that waits longest."""
    claimed = generation_claim(worker_id=worker_id)
    assert claimed is not None
    assert claimed.pk == generation.pk
    streams.take_over(str(claimed.pk), claimed.attempt)
    return claimed


def worker_alive(worker_id: str, *running: object, slots: int = 1, waiting: int = 0) -> None:
    """Sign as a living worker that holds the first attempt of `running`."""
    state = {
        "running": [f"{pk}:1" for pk in running],
        "waiting": waiting,
        "slots": slots,
        "model": "m",
        "precision": "fp32",
    }
    redis_client().sadd(WORKERS_KEY, worker_id)
    redis_client().set(WORKER_KEY_PREFIX + worker_id, json.dumps(state))


def types(generation: Generation) -> list[str]:
    raw: Any = redis_client().xrange(streams.stream_key(str(generation.pk)))
    return [fields["t"] for _, fields in raw]
