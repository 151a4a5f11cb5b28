"""A worker follows the active checkpoint without a restart: load beside, swap, free the old one.

A thread of its own asks the database; a hint over Redis makes it ask at once. The new engine is
loaded while the old one goes on; then new replies go to the new one, and the old one's thread ends
with its last reply. What cannot be loaded leaves everything as it is.

Two engines stand in memory meanwhile. A turn in Redis, one for each host, sees to it that only one
worker of a machine has two: the peak is bounded, and the others have the cores to serve with.
Random delays would only make that likelier. The load takes its share of the cores for two seconds:
on threads of a lower priority it took ten times as long, and, holding the interpreter, stopped the
replies for up to 0.9 s instead of 0.2 s.
"""

from __future__ import annotations

import gc
import logging
import socket
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import redis
import redis.exceptions
from django.conf import settings
from django.db import connection
from redis.commands.core import Script

from accounts.store import KEEPALIVE, TIMEOUT_S, redis_client
from chat.generation.engines import Engines
from chat.generation.patience import OUTAGES
from inference.public import (
    CheckpointError,
    Release,
    ServingEngine,
    active_release,
    return_memory,
)

logger = logging.getLogger(__name__)

HINTS = "eugpt:checkpoint"
POLL_S = 1.5
TURN_PREFIX = "eugpt:swap:"
# The holder's sign of life is what counts; this only clears up after a host that is no more.
_TURN_MS = 600_000
RETRY_S, _RETRY_MAX_S = 30.0, 600.0
_ERROR_CHARS = 300
_TAKE_TURN = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] and redis.call('EXISTS', ARGV[2] .. holder) == 1 then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 1
"""
_END_TURN = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('DEL', KEYS[1]) or 0"


def workers_hint(**_kwargs: Any) -> None:
    """Tell the workers to look now. A lost hint costs POLL_S."""
    try:
        redis_client().publish(HINTS, "")
    except redis.exceptions.RedisError:
        logger.warning("no hint was sent that another checkpoint is active", exc_info=True)


class CheckpointWatch:
    """Owns the thread that follows, and what the sign of life says of it.

    `load` starts an engine on the active checkpoint beside the one that serves; `signs` begins the
    keys of living workers.
    """

    def __init__(
        self,
        worker_id: str,
        engines: Engines,
        load: Callable[[ServingEngine], ServingEngine],
        signs: str,
    ) -> None:
        self.loading = ""  # the name of what is being loaded
        self.error = ""  # why the active checkpoint is not the one that is served
        self._worker_id = worker_id
        self._engines = engines
        self._load = load
        self._signs = signs
        self._turn = TURN_PREFIX + socket.gethostname()
        self._has_turn = False
        self._failed: Release | None = None
        self._failures, self._again_at = 0, 0.0  # time.monotonic()
        self._redis = redis.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=TIMEOUT_S, **KEEPALIVE,
            health_check_interval=10,
        )  # fmt: skip
        self._pubsub: Any = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkpoint", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Swap nothing any more; what is being loaded is thrown away."""
        self._stopping.set()
        self._thread.join(2 * POLL_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.look()
            except OUTAGES as error:
                logger.warning("the active checkpoint could not be asked for: %s", error)
            except Exception:
                logger.exception("following the active checkpoint failed")
            finally:
                connection.close()
            self._wait()
        self._redis.close()

    def look(self) -> None:
        """Compare what is served with what should be, and do the next step towards it."""
        self._free()
        release, current = active_release(), self._engines.current
        if release is None or _serves(current, release):
            self._succeed()
            return
        if (retired := self._engines.retired) is not None:
            if _serves(retired, release):  # taken back before its last reply has ended
                self._engines.swap(retired)
                self._succeed()
            return  # else its replies end first: never three
        if release == self._failed and time.monotonic() < self._again_at:
            self._end_turn()  # if Redis did not hear it when the load failed
            return
        if self._take_turn():
            self._go_over(release)

    def _go_over(self, release: Release) -> None:
        self.loading = release.name
        start = time.monotonic()
        try:
            new = self._load(self._engines.current)
        except OUTAGES:
            self._end_turn()
            raise
        except Exception as error:
            logger.exception("%s cannot be loaded", release.name)
            self.fail(release, error)
            return
        finally:
            self.loading = ""
        if self._stopping.is_set() or not _is_wanted(release):
            new.thread.stop()  # somebody has thought of something else meanwhile
            del new
            self._settle()
            return
        self._engines.swap(new)
        self._succeed(keep_turn=True)
        logger.info(
            "new replies come from %s, loaded in %.1f s, in %s",
            release.name, time.monotonic() - start, new.precision,
        )  # fmt: skip
        if new.has_compiled:
            logger.warning("loops were compiled for it here: restart the worker when it suits")

    def _free(self) -> None:
        """Stop the retired engine when its last reply has ended."""
        if (idle := self._engines.take_idle()) is None:
            return
        name = idle.format.name
        idle.thread.stop()
        del idle
        self._settle()
        logger.info("the engine of %s is gone", name)

    def _settle(self) -> None:
        """Give the memory of a stopped engine back, and the turn."""
        gc.unfreeze()  # the worker froze what it began with, the first engine among it
        gc.collect()
        gc.freeze()
        return_memory()
        self._end_turn()

    def _succeed(self, *, keep_turn: bool = False) -> None:
        self.error, self._failed, self._failures = "", None, 0
        if not keep_turn and self._engines.retired is None:
            self._end_turn()

    def fail(self, release: Release, error: Exception) -> None:
        """Sign why `release` is not served, and try it again later; call it before `start`."""
        code = error.code if isinstance(error, CheckpointError) else type(error).__name__
        self.error = f"{release.name}: {code}: {error}"[:_ERROR_CHARS]
        self._failures = self._failures + 1 if release == self._failed else 1
        self._failed = release
        wait_s = min(RETRY_S * 2 ** (self._failures - 1), _RETRY_MAX_S)
        self._again_at = time.monotonic() + wait_s
        serving = self._engines.current.format.name
        logger.error("%s goes on; the next try is in %d s", serving, wait_s)
        return_memory()
        self._end_turn()

    def _take_turn(self) -> bool:
        arguments: list[str | int] = [self._worker_id, self._signs, _TURN_MS]
        self._has_turn = True  # Redis may give it and its answer be lost
        self._has_turn = bool(_script(_TAKE_TURN)([self._turn], arguments))
        return self._has_turn

    def _end_turn(self) -> None:
        if self._has_turn:
            _script(_END_TURN)([self._turn], [self._worker_id])
            self._has_turn = False

    def _wait(self) -> None:
        """Until a hint comes, POLL_S at most."""
        try:
            if self._pubsub is None:
                self._pubsub = self._redis.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
                self._pubsub.subscribe(HINTS)
            self._pubsub.get_message(timeout=POLL_S)
        except redis.exceptions.RedisError as error:
            logger.warning("the connection for hints of checkpoints broke: %s", error)
            if self._pubsub is not None:
                self._pubsub.close()
                self._pubsub = None
            self._stopping.wait(POLL_S)


@cache
def _script(text: str) -> Script:
    return redis_client().register_script(text)


def _serves(serving: ServingEngine, release: Release) -> bool:
    return (serving.format.name, serving.format.sha256) == (release.name, release.sha256)


def _is_wanted(release: Release) -> bool:
    """Whether it is still the active one; if nobody can say, the next look will."""
    try:
        return active_release() == release
    except OUTAGES:
        return True
