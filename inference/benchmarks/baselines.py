"""Two plain loops over the same network, to see what the engine's work is worth.

Neither can be served: they know no cancel, no newcomer and no stop string.
"""

from __future__ import annotations

import time
import warnings
from collections import deque
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from inference.benchmarks.workload import Trace, Workload
from inference.checkpoint_io import Checkpoint, load_model
from inference.model.config import GPTConfig


class Ancestor:
    """The ancestor's way: fp32, one request at a time, everything computed anew for each token.

    Our network is a little faster at it than the ancestor's own, which computes each head apart.
    """

    def __init__(self, checkpoint: Checkpoint, *, threads: int) -> None:
        torch.set_num_threads(threads)
        self._model = load_model(checkpoint)

    def facts(self) -> dict[str, Any]:
        return {"precision": "fp32", "threads": torch.get_num_threads()}

    def run(self, workload: Workload) -> list[Trace]:
        """Work off one queue, as requests in front of a lock do."""
        streams = [iter(turns) for turns in workload.prompts]
        queue = deque((stream, Trace(time.perf_counter(), [])) for stream in streams)
        traces = [trace for _, trace in queue]
        while queue:
            stream, trace = queue.popleft()
            for _ in self.reply(next(stream), workload):
                trace.token_times_s.append(time.perf_counter())
            if len(traces) < workload.streams * workload.rounds:
                traces.append(Trace(time.perf_counter(), []))
                queue.append((stream, traces[-1]))
        return traces

    def reply(self, prompt: list[int], workload: Workload) -> Iterator[int]:
        """Write one reply, a token at a time."""
        torch.manual_seed(workload.seed)
        ids = torch.tensor([prompt])
        for _ in range(workload.new_tokens):
            with torch.inference_mode():
                logits = self._model.head(self._model(ids))[:, -1]
                ids = torch.cat((ids, draw(logits, workload)), dim=1)
            yield int(ids[0, -1])


class Naive:
    """A batched loop as one writes it first: KV cache, dynamic int8 linears, everyone in step.

    A batch runs until its last reply is complete; the next begins after it.
    """

    def __init__(self, checkpoint: Checkpoint, *, threads: int) -> None:
        torch.set_num_threads(threads)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecated, and still what one finds first
            self._model: Any = torch.ao.quantization.quantize_dynamic(  # type: ignore[no-untyped-call]
                load_model(checkpoint), {nn.Linear}, dtype=torch.qint8
            )

    def facts(self) -> dict[str, Any]:
        return {"precision": "int8", "threads": torch.get_num_threads()}

    def run(self, workload: Workload) -> list[Trace]:
        torch.manual_seed(workload.seed)
        traces = []
        for turn in range(workload.rounds):
            traces += self._batch([turns[turn] for turns in workload.prompts], workload)
        return traces

    @torch.inference_mode()
    def _batch(self, prompts: list[list[int]], workload: Workload) -> list[Trace]:
        submitted, times = time.perf_counter(), []
        room = len(prompts[0]) + workload.new_tokens
        cache = BatchCache(self._model.config, len(prompts), room)
        ids = torch.tensor(prompts)
        for _ in range(workload.new_tokens):
            hidden = cache.forward(self._model, ids)
            ids = draw(self._model.head(hidden[:, -1]), workload)
            times.append(time.perf_counter())
        return [Trace(submitted, times)] * len(prompts)


class BatchCache:
    """Keys and values of a batch whose rows all have the same length; a `KVStore`."""

    def __init__(self, config: GPTConfig, rows: int, room: int) -> None:
        shape = (config.n_layer, 2, rows, config.n_head, room, config.head_size)
        self._data = torch.empty(shape)
        self._length = 0

    def forward(self, model: Any, ids: Tensor) -> Tensor:
        """Run the next tokens (B, T) of all rows; returns the hidden states (B, T, C)."""
        end = self._length + ids.shape[1]
        positions = torch.arange(self._length, end)
        # A prompt is causal over itself; a single token looks at everything before it.
        mask = torch.ones(1, end, dtype=torch.bool) if self._length else None
        hidden: Tensor = model(ids, positions, mask, self)
        self._length = end
        return hidden

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        end = self._length + k.shape[2]
        keys, values = self._data[layer, :, :, :, :end]
        keys[:, :, self._length :], values[:, :, self._length :] = k, v
        return keys, values


def draw(logits: Tensor, workload: Workload) -> Tensor:
    """Sample one of the `top_k` likeliest tokens for each row (B, V); returns (B, 1)."""
    values, ids = logits.topk(min(workload.top_k, logits.shape[-1]))
    choice = torch.multinomial((values / workload.temperature).softmax(-1), 1)
    return ids.gather(1, choice)
