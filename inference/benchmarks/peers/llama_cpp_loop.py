"""A loop over llama.cpp's C interface: continuous batching over the sequences of one context.

Each stream is a sequence. A step decodes one token for every running reply and fills the rest of
the batch with prompts that wait, as llama.cpp's own server does. Needs llama-cpp-python.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import llama_cpp

from inference.benchmarks.workload import Trace, Workload

BATCH_TOKENS = 2048


@dataclass(slots=True)
class _Stream:
    """One sequence: the prompts still to send and the reply it is at."""

    id: int
    waiting: deque[tuple[int, list[int]]]  # turn, prompt
    prompt: list[int] = field(default_factory=list)
    read: int = 0  # tokens of the prompt that a batch has held
    written: int = 0
    last: int = 0
    sampler: Any = None
    trace: Trace = field(default_factory=lambda: Trace(0.0, []))


class Batch:
    """A `llama_batch` that is filled anew for each step."""

    def __init__(self) -> None:
        self.raw = llama_cpp.llama_batch_init(BATCH_TOKENS, 0, 1)

    @property
    def is_full(self) -> bool:
        return bool(self.raw.n_tokens == BATCH_TOKENS)

    def clear(self) -> None:
        self.raw.n_tokens = 0

    def add(self, token: int, position: int, sequence: int, *, is_wanted: bool) -> int:
        """Add a token, with logits if `is_wanted`; returns its place."""
        i = int(self.raw.n_tokens)
        self.raw.token[i] = token
        self.raw.pos[i] = position
        self.raw.n_seq_id[i] = 1
        self.raw.seq_id[i][0] = sequence
        self.raw.logits[i] = is_wanted
        self.raw.n_tokens = i + 1
        return i

    def decode(self, context: Any) -> None:
        if code := llama_cpp.llama_decode(context, self.raw):
            raise RuntimeError(f"llama_decode gave {code}")

    def free(self) -> None:
        llama_cpp.llama_batch_free(self.raw)


class Loop:
    """One workload on a fresh context, which the caller opens and frees."""

    def __init__(self, context: Any, workload: Workload) -> None:
        self._context = context
        self._memory = llama_cpp.llama_get_memory(context)
        self._workload = workload
        self._traces: list[Trace] = []
        self._streams = [
            _Stream(i, deque(enumerate(turns))) for i, turns in enumerate(workload.prompts)
        ]

    def run(self) -> list[Trace]:
        """Returns the traces in the order of submission."""
        self._batch = Batch()
        for stream in self._streams:
            self._submit(stream)
        while self._streams:
            self._step()
        self._batch.free()
        return self._traces

    def _submit(self, stream: _Stream) -> None:
        turn, stream.prompt = stream.waiting.popleft()
        stream.read = stream.written = 0
        stream.sampler = _make_sampler(self._workload, self._workload.seed_of(stream.id, turn))
        stream.trace = Trace(time.perf_counter(), [])
        self._traces.append(stream.trace)

    def _step(self) -> None:
        wanted = self._fill()
        self._batch.decode(self._context)
        for place, stream in wanted:
            stream.last = llama_cpp.llama_sampler_sample(stream.sampler, self._context, place)
            stream.written += 1
        now = time.perf_counter()
        for _, stream in wanted:
            stream.trace.token_times_s.append(now)
            if stream.written == self._workload.new_tokens:
                self._finish(stream)

    def _fill(self) -> list[tuple[int, _Stream]]:
        """Fill the batch; returns the places whose logits give a token."""
        self._batch.clear()
        wanted = []
        for s in self._streams:
            if s.written:
                position = s.read + s.written - 1
                wanted.append((self._batch.add(s.last, position, s.id, is_wanted=True), s))
        for s in self._streams:
            while s.read < len(s.prompt) and not self._batch.is_full:
                is_last = s.read == len(s.prompt) - 1
                place = self._batch.add(s.prompt[s.read], s.read, s.id, is_wanted=is_last)
                s.read += 1
                if is_last:
                    wanted.append((place, s))
        return wanted

    def _finish(self, stream: _Stream) -> None:
        llama_cpp.llama_memory_seq_rm(self._memory, stream.id, -1, -1)
        llama_cpp.llama_sampler_free(stream.sampler)
        if stream.waiting:
            self._submit(stream)
        else:
            self._streams.remove(stream)


def _make_sampler(workload: Workload, seed: int) -> Any:
    """Chain top-k, temperature and a draw, as llama.cpp's programs do."""
    chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
    for part in (
        llama_cpp.llama_sampler_init_top_k(workload.top_k),
        llama_cpp.llama_sampler_init_temp(workload.temperature),
        llama_cpp.llama_sampler_init_dist(seed),
    ):
        llama_cpp.llama_sampler_chain_add(chain, part)
    return chain
