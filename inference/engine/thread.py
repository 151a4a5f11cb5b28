"""The one thread that owns an engine: an inbox in front, a callback behind."""

from __future__ import annotations

import contextvars
import logging
import queue
import threading
import time
from collections.abc import Callable

from inference.engine.engine import Engine
from inference.engine.errors import EngineDead, EngineFull
from inference.engine.params import SamplingParams
from inference.engine.request import StepOutput
from inference.engine.stats import StepStats

logger = logging.getLogger(__name__)

_STOP_TIMEOUT_S = 10


class EngineThread:
    """Run an engine. `submit` and `cancel` may be called from any thread.

    `on_outputs` is called on the engine's thread after each step, `on_step` after each that
    computed something; they must not block.
    """

    def __init__(
        self,
        engine: Engine,
        on_outputs: Callable[[list[StepOutput]], None],
        on_death: Callable[[], None],
        on_step: Callable[[StepStats], None] = lambda _: None,
    ) -> None:
        self._engine = engine
        self._on_outputs = on_outputs
        self._on_death = on_death
        self._on_step = on_step
        self._inbox: queue.SimpleQueue[Callable[[], list[StepOutput]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._lock = threading.Lock()  # nothing enters the inbox once it is being emptied
        self.is_dead = False
        self._step_began = 0.0  # time.monotonic(); 0 while it waits for work
        self._step_ended = time.monotonic()

    def step_s(self) -> float:
        """How long the step has taken that is being computed; 0 when there is none."""
        began = self._step_began
        return time.monotonic() - began if began else 0.0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread after its current step; what still runs gets no further output."""
        with self._lock:
            self.is_dead = True
            self._inbox.put(None)
        self._thread.join(_STOP_TIMEOUT_S)

    def submit(
        self, request_id: str, prompt_ids: list[int], params: SamplingParams, generated: list[int]
    ) -> None:
        """Hand over a request; everything about it, refusals too, comes back as outputs.

        Log lines about it, on the engine's thread, have the context of the caller.
        Raises `EngineDead`.
        """
        context = contextvars.copy_context()

        def add() -> list[StepOutput]:
            try:
                self._engine.submit(request_id, prompt_ids, params, generated)
            except EngineFull as error:
                return [StepOutput(request_id, finish="error", error=error.code)]
            except Exception:  # one request's fault must not end the others
                logger.exception("request %s was refused", request_id)
                return [StepOutput(request_id, finish="error", error="invalid_request")]
            return []

        with self._lock:
            if self.is_dead:
                raise EngineDead("the engine has failed or was stopped")
            self._inbox.put(lambda: context.run(add))

    def cancel(self, request_id: str) -> None:
        def drop() -> list[StepOutput]:
            self._engine.cancel(request_id)
            return []

        self._inbox.put(drop)

    def _run(self) -> None:
        try:
            self._engine.enter_thread()
            while self._take_inbox():
                self._step()
        except Exception:
            logger.exception("the engine has failed")
            self._die()

    def _step(self) -> None:
        began = self._step_began = time.monotonic()
        outputs = self._engine.step()
        self._step_began, ended = 0.0, time.monotonic()
        self._tell(outputs)
        stats = self._engine.stats
        if stats.batch:
            stats.seconds, stats.interval = ended - began, ended - self._step_ended
            self._step_ended = ended
            self._on_step(stats)

    def _take_inbox(self) -> bool:
        """Work off the inbox, waiting only while the engine has nothing to do; False to stop."""
        while True:
            try:
                command = self._inbox.get(block=self._engine.is_idle)
            except queue.Empty:
                return True
            if command is None:
                return False
            self._tell(command())

    def _tell(self, outputs: list[StepOutput]) -> None:
        if outputs:
            self._on_outputs(outputs)

    def _die(self) -> None:
        """End every request with an error, also those that are still in the inbox."""
        with self._lock:
            self.is_dead = True
        try:
            while not self._inbox.empty():
                if command := self._inbox.get():
                    self._tell(command())
            self._tell(self._engine.abort_all("engine_dead"))
        finally:
            self._on_death()
