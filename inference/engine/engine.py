"""Continuous batching: requests join and leave between steps. One thread owns the engine."""

from __future__ import annotations

import logging
import secrets
import time
from itertools import chain

from inference.engine.config import EngineConfig, Precision
from inference.engine.cores import use_cores
from inference.engine.detokenizer import Detokenizer
from inference.engine.network import Network
from inference.engine.params import SamplingParams
from inference.engine.request import Finish, Request, StepOutput, TokenLogprobs
from inference.engine.runner import Runner
from inference.engine.sampler import Sampled, Sampler
from inference.engine.scheduler import Scheduler
from inference.engine.slots import SlotPool
from inference.engine.stats import StepStats
from inference.tokenizer import Tokenizer

logger = logging.getLogger(__name__)


def _never_written(tokenizer: Tokenizer) -> list[int]:
    """Ids that are never sampled: special tokens but the end, and NUL, which no database takes."""
    return [
        i
        for i, raw in enumerate(tokenizer.token_bytes)
        if b"\x00" in raw or (not raw and i != tokenizer.end_id)
    ]


class Engine:
    """`submit` and `cancel` between steps; `step` returns what there is to tell the readers."""

    def __init__(self, network: Network, tokenizer: Tokenizer, config: EngineConfig) -> None:
        if tokenizer.vocab_size != network.config.vocab_size:
            raise ValueError("tokenizer and model disagree on the number of ids")
        self.config = config
        self.tokenizer = tokenizer
        self.context_length = network.config.context_length
        pool = SlotPool(config.slots + config.kept_contexts, self.context_length)
        self.scheduler = Scheduler(config.slots, config.queue_limit, pool)
        self._runner = Runner(network, pool)
        self._banned = _never_written(tokenizer)
        self._sampler = Sampler(tokenizer.vocab_size, self._banned, tokenizer.end_id)
        self._requests: dict[str, Request] = {}
        self.stats = StepStats()  # of the last step

    @property
    def precision(self) -> Precision:
        return self._runner.network.precision

    @property
    def is_idle(self) -> bool:
        return not self._requests

    def enter_thread(self) -> None:
        """Call first on the thread that will step: the number of cores is set for a thread."""
        use_cores(self.config.threads)

    def warm_up(self) -> None:
        """Prepare for every number of replies that the slots allow."""
        self._runner.warm_up(self.config.slots)

    def submit(
        self,
        request_id: str,
        prompt_ids: list[int],
        params: SamplingParams,
        generated: list[int] | None = None,
    ) -> None:
        """Add a request; `generated` continues an earlier attempt after these tokens.

        Raises `EngineFull`, and ValueError for what would fail later: a prompt that leaves no room
        for a token, an id outside the vocabulary, a negative seed, an id of a running request.
        """
        self._check(request_id, prompt_ids, generated or [], params)
        lead, _ = self.tokenizer.template.assistant
        detokenizer = Detokenizer(self.tokenizer.token_bytes, params.stop, lead)
        for token in generated or ():
            detokenizer.push(token)  # the readers have its text already
        seed = secrets.randbits(63) if params.seed is None else params.seed
        request = Request(
            request_id, prompt_ids, params, seed, detokenizer,
            deadline=time.monotonic() + self.config.deadline_s,
            generated=list(generated or ()), begun=len(generated or ()),
        )  # fmt: skip
        self.scheduler.add(request)
        self._requests[request_id] = request

    def _check(
        self, request_id: str, prompt_ids: list[int], generated: list[int], params: SamplingParams
    ) -> None:
        if request_id in self._requests:
            raise ValueError(f"{request_id} is already running")
        if not 0 < len(prompt_ids) < self.context_length:
            raise ValueError(f"a prompt needs 1 to {self.context_length - 1} tokens")
        if len(prompt_ids) + len(generated) > self.context_length:
            raise ValueError("more was generated than the context holds")
        biased = (token for token, _ in params.logit_bias)
        if not all(
            0 <= i < self.tokenizer.vocab_size for i in chain(prompt_ids, generated, biased)
        ):
            raise ValueError("an id is outside the vocabulary")
        if params.seed is not None and params.seed < 0:
            raise ValueError("a seed is 0 or more")

    def cancel(self, request_id: str) -> None:
        """End a request at the next step; unknown ids (finished ones) are ignored."""
        if request := self._requests.get(request_id):
            request.is_cancelled = True

    def step(self) -> list[StepOutput]:
        """Drop what is cancelled or late, admit, compute, sample: one token for every reply."""
        outputs, self.stats = self._drop(), StepStats()
        while lease := self.scheduler.admit():
            self._runner.start(lease)
            self.stats.prompt_tokens += self.scheduler.running[-1].length
            self.stats.cached_tokens += lease.reused
        if chunks := self.scheduler.plan():
            self.stats.batch = len(chunks)
            logits = self._runner.run(chunks)
            ready = [chunk.request for chunk in chunks if chunk.gives_token]
            if ready:
                self.stats.continued = sum(len(it.generated) > it.begun for it in ready)
                outputs += self._advance(ready, self._sampler.sample(logits, ready))
        return outputs

    def abort_all(self, error: str) -> list[StepOutput]:
        """End every request with an error: the engine cannot go on."""
        # Neither scheduler nor slots are asked: they may be what has failed.
        outputs = [StepOutput(name, finish="error", error=error) for name in self._requests]
        self._requests.clear()
        return outputs

    def _drop(self) -> list[StepOutput]:
        now = time.monotonic()
        outputs = []
        for request in list(self._requests.values()):
            if request.is_cancelled:
                outputs.append(self._finish(request, "cancelled"))
            elif now > request.deadline:
                outputs.append(self._finish(request, "error", error="deadline_exceeded"))
            elif finish := self._reached(request):  # by an earlier attempt, which could not tell
                outputs.append(self._finish(request, finish))
        return outputs

    def _reached(self, request: Request) -> Finish | None:
        """How the reply has ended with the tokens it has, if it has."""
        if request.detokenizer.is_stopped:
            return "stop"
        is_full = len(request.generated) >= request.params.max_tokens
        return "length" if is_full or request.length >= self.context_length else None

    def _advance(self, requests: list[Request], sampled: list[Sampled]) -> list[StepOutput]:
        outputs = []
        for request, token in zip(requests, sampled, strict=True):
            try:
                outputs.append(self._advance_one(request, token.token_id, token.logprobs))
            except Exception:  # noqa: BLE001  its text is its own: the other replies go on
                request.context.run(logger.exception, "request %s failed", request.id)
                outputs.append(self._finish(request, "error", error="internal"))
        return outputs

    def _advance_one(
        self, request: Request, token: int, logprobs: TokenLogprobs | None
    ) -> StepOutput:
        if token == self.tokenizer.end_id:
            return self._finish(request, "stop")
        request.generated.append(token)
        text = request.detokenizer.push(token)
        if finish := self._reached(request):
            return self._finish(request, finish, (token,), text, logprobs)
        return StepOutput(request.id, (token,), text, logprobs)

    def _finish(
        self,
        request: Request,
        finish: Finish,
        token_ids: tuple[int, ...] = (),
        text: str = "",
        logprobs: TokenLogprobs | None = None,
        *,
        error: str = "",
    ) -> StepOutput:
        """The one way out of the engine."""
        if error != "internal":  # then the detokenizer itself may be what failed
            text += request.detokenizer.flush()
        self.scheduler.release(request)
        del self._requests[request.id]
        return StepOutput(request.id, token_ids, text, logprobs, finish, error)
