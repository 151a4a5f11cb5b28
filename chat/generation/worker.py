"""A worker process: its engines, its publisher and its sign of life."""

from __future__ import annotations

import gc
import json
import logging
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import redis
import redis.exceptions
from django.conf import settings

from accounts.store import redis_client
from chat import metrics
from chat.delivery.publisher import Publisher
from chat.generation.engines import Engines
from chat.generation.fence import held_in_database_by_thread
from chat.generation.pace import Pace
from chat.generation.patience import OUTAGES
from chat.generation.stops import StopListener
from chat.generation.swap import CheckpointWatch
from inference.public import (
    Release,
    ServingEngine,
    StepOutput,
    active_release,
    checkpoint_before,
    start_engine,
)

logger = logging.getLogger(__name__)

WORKERS_KEY = "eugpt:workers"
WORKER_KEY_PREFIX = "eugpt:worker:"
# A dead worker is missed for its life at most. Under load (32 slots busy, ten processes to a core)
# a sign was at most 6 ms late; the margin is for machines that stand still and for a slow Redis.
_BEAT_S, _LIFE_MS = 0.7, 3000
_SIGN_TIMEOUT_S = 1.0
_LEAVE_S = 20.0
SWITCH_INTERVAL_S = 0.0005


class Worker:
    """Owns the engines, the publisher, the worker key and the ears of this process."""

    def __init__(self) -> None:
        self.host, self.started_at = socket.gethostname(), time.time()
        self.id = f"{self.host}:{os.getpid()}:{secrets.token_hex(3)}"
        self.publisher = Publisher(self._cancel, held_in_database_by_thread, self._die)
        self.stops = StopListener(self._stop)
        self._engines: Engines
        self._watch: CheckpointWatch
        self._pace = Pace()
        self._stopping = threading.Event()
        self._signed = time.monotonic()
        # Of its own: a late answer to somebody else must not delay the sign of life.
        self._redis = redis.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=_SIGN_TIMEOUT_S,
            socket_connect_timeout=_SIGN_TIMEOUT_S,
        )
        self._heart = threading.Thread(target=self._beat, name="worker-key", daemon=True)

    @property
    def serving(self) -> ServingEngine:
        """The engine that new replies go to; there is one from `start` on."""
        return self._engines.current

    def held_count(self) -> int:
        """How many attempts are under way here."""
        return len(self._engines.held())

    def unsigned_s(self) -> float:
        """How long ago Redis took the last sign of life."""
        return time.monotonic() - self._signed

    def start(self, on_loaded: Callable[[ServingEngine], None] | None = None) -> None:
        """Load the model and report for duty; raises CheckpointError where there is none to load.

        `on_loaded` is called in between: nobody counts on this worker yet.
        """
        serving, failed = self._first_engine()
        if on_loaded is not None:
            on_loaded(serving)
        self._engines = Engines(serving)
        self._watch = CheckpointWatch(self.id, self._engines, self._load, WORKER_KEY_PREFIX)
        if failed is not None:
            self._watch.fail(*failed)
        _favour_engine()
        self.publisher.start()
        self.stops.start()
        self._sign()  # before the first claim: the reaper takes an unsigned holder for dead
        self._heart.start()
        self._watch.start()
        logger.info(
            "worker %s serves %s in %s with %d slots",
            self.id, serving.format.name, serving.precision, settings.SLOTS,
        )  # fmt: skip

    def stop(self) -> None:
        """End the threads and the sign of life; Celery has waited for the running replies."""
        self._stopping.set()
        logger.info("worker %s stops", self.id)
        self._watch.stop()
        for serving in self._engines.all():
            serving.thread.stop()
        self.publisher.stop()
        self.stops.stop()
        try:
            redis_client().delete(WORKER_KEY_PREFIX + self.id)
            redis_client().srem(WORKERS_KEY, self.id)
        except redis.exceptions.RedisError:
            logger.warning("the worker key was left to expire", exc_info=True)

    @contextmanager
    def holding(self, key: str) -> Iterator[ServingEngine]:
        """Name an attempt in the sign of life, from its claim to its stored end.

        Gives the engine that is its own all the while.
        """
        serving = self._engines.hold(key)
        try:
            yield serving
        finally:
            self._engines.release(key)

    def _first_engine(self) -> tuple[ServingEngine, tuple[Release, Exception] | None]:
        """The active checkpoint's or, where it cannot be loaded, that of the one before, and why:
        workers that were there already serve that one, and a supervisor would start us for ever.
        """
        release = active_release()
        try:
            return start_engine(self._take, self._die, on_step=metrics.engine_stepped), None
        except OUTAGES:
            raise
        except Exception as error:
            before = checkpoint_before()
            if release is None or before is None:
                raise
            logger.exception("%s cannot be loaded; %s is tried", release.name, before.name)
            serving = start_engine(
                self._take, self._die, on_step=metrics.engine_stepped, instead=before
            )
            return serving, (release, error)

    def _load(self, beside: ServingEngine) -> ServingEngine:
        return start_engine(self._take, self._die, on_step=metrics.engine_stepped, beside=beside)

    def _take(self, outputs: list[StepOutput]) -> None:
        """Called on an engine's thread after each step."""
        count = sum(len(output.token_ids) for output in outputs)
        self._pace.add(count)
        metrics.tokens_written(count)
        self.publisher.put(outputs)

    def _stop(self, generation_id: str) -> None:
        """Somebody asked for the end of a generation; perhaps it is held here."""
        for key in self._engines.held():
            if key.startswith(f"{generation_id}:"):
                self._cancel(key)

    def _cancel(self, key: str) -> None:
        self._engines.cancel(key)

    def _beat(self) -> None:
        while not self._stopping.is_set():
            try:
                self._sign()
            except redis.exceptions.RedisError:
                logger.warning("no sign of life: Redis does not answer", exc_info=True)
            self._stopping.wait(_BEAT_S)

    def _sign(self) -> None:
        # Imported here: the web process reads this module's names and needs no Celery worker.
        from celery.worker import state as tasks

        serving = self.serving
        state = {
            "running": self._engines.held(),
            "waiting": max(len(tasks.reserved_requests) - len(tasks.active_requests), 0),
            "slots": settings.SLOTS,
            "model": serving.format.name,
            "sha256": serving.format.sha256,
            "precision": serving.precision,
            "threads": serving.threads,
            "host": self.host,
            "pid": os.getpid(),
            "started_at": self.started_at,
            "tokens_per_s": round(self._pace.per_s(), 1),
            "loading": self._watch.loading,
            "checkpoint_error": self._watch.error,
        }
        pipe = self._redis.pipeline()
        pipe.sadd(WORKERS_KEY, self.id)
        pipe.set(WORKER_KEY_PREFIX + self.id, json.dumps(state), px=_LIFE_MS)
        pipe.execute()
        self._signed = time.monotonic()

    def _die(self) -> None:
        """The engine or the publisher has failed: leave; the supervisor starts a fresh process.

        Celery waits for its tasks without limit, so the exit has a limit of its own.
        """
        logger.critical("worker %s leaves: a part of it has failed", self.id)
        self._stopping.set()
        last = threading.Timer(_LEAVE_S, os._exit, (1,))
        last.daemon = True
        last.start()
        os.kill(os.getpid(), signal.SIGTERM)


def _favour_engine() -> None:
    """Let the engine's thread have the interpreter soon whenever it asks.

    Each of its operators gives the GIL up and asks for it again. With the interpreter's 5 ms it
    waits that long for whichever thread builds a query at that moment; and a full collection
    over all that torch and Django have made stops everything for about 50 ms.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.collect()
    gc.freeze()


_worker: Worker | None = None
_lock = threading.Lock()


def worker(on_loaded: Callable[[ServingEngine], None] | None = None) -> Worker:
    """The worker of this process, started on first use (see `Worker.start`)."""
    global _worker
    with _lock:
        if _worker is None:
            new = Worker()
            new.start(on_loaded)
            _worker = new
        return _worker


def worker_started() -> Worker | None:
    """The worker of this process, if its model is loaded."""
    return _worker


def worker_stop() -> None:
    global _worker
    with _lock:
        if _worker is not None:
            _worker.stop()
            _worker = None
