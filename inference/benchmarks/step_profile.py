"""Where the time of a decode step goes: each part of the engine with a clock around it.

The clocks add about 2 % at one stream. Loads the engine into this process; knows no Django.
"""

from __future__ import annotations

import dataclasses
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from inference import checkpoint_io
from inference.benchmarks.report import align
from inference.benchmarks.workload import make_workload

_KERNELS = {"store": "attention", "attend": "attention", "add_norm": "norms", "norm": "norms",
            "activate": "activation"}  # fmt: skip
_PRODUCTS = ("qkv", "proj", "up", "down")
PARTS = (*_PRODUCTS, "head", "attention", "activation", "norms", "sampling", "the rest")
_STEPS, _WARM_STEPS = 50, 10


class _Clock:
    """Seconds by part, of one step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def around(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any) -> Any:
            start = time.perf_counter()
            result = function(*args)
            self.seconds[part] += time.perf_counter() - start
            return result

        return timed


def profile(
    folder: Path, *, precision: Any, streams: list[int], threads: int, prompt_tokens: int = 30
) -> str:
    """Give a table: for each number of streams the step and its parts, in milliseconds.

    Each is the median step of `_STEPS`, in the middle of replies of 60 tokens and more.
    """
    from inference.engine.loading import load_engine

    checkpoint = checkpoint_io.verify(folder)
    engine = load_engine(checkpoint, slots=max(streams), threads=threads, precision=precision)
    header = ["streams", "step ms", "tokens/s", *PARTS]
    rows = []
    for count in streams:
        total, seconds = _measure(engine, count, prompt_tokens)
        seconds["the rest"] = total - sum(seconds.values())
        cells = [f"{1000 * seconds[part]:.2f}" for part in PARTS]
        rows.append([str(count), f"{1000 * total:.2f}", f"{count / total:,.0f}", *cells])
    return f"{engine.precision}, {threads} threads\n\n{align([header, *rows])}"


def _measure(engine: Any, streams: int, prompt_tokens: int) -> tuple[float, dict[str, float]]:
    """The median step and what its parts took."""
    from inference.engine.params import SamplingParams

    tokens = _WARM_STEPS + _STEPS + 5
    workload = make_workload(
        engine.tokenizer, streams=streams, prompt_tokens=prompt_tokens, new_tokens=tokens
    )
    for stream, (prompt,) in enumerate(workload.prompts):
        params = SamplingParams(max_tokens=tokens, min_tokens=tokens, seed=stream)
        engine.submit(f"profile-{stream}", prompt, params)
    while any(request.left > 1 for request in engine.scheduler):
        engine.step()
    for _ in range(_WARM_STEPS):
        engine.step()
    steps = _timed_steps(engine)
    while not engine.is_idle:
        engine.step()
    return sorted(steps, key=lambda step: step[0])[len(steps) // 2]


def _timed_steps(engine: Any) -> list[tuple[float, dict[str, float]]]:
    from inference.engine import kernels

    clock = _Clock()
    network = engine._runner.network
    timed = {part: clock.around(name, getattr(kernels, part)) for part, name in _KERNELS.items()}
    layers = [
        dataclasses.replace(layer, **{p: clock.around(p, getattr(layer, p)) for p in _PRODUCTS})
        for layer in network._layers
    ]
    steps: list[tuple[float, dict[str, float]]] = []
    with (
        patch.dict(vars(kernels), timed),
        patch.object(network, "_layers", layers),
        patch.object(network, "_head", clock.around("head", network._head)),
        patch.object(engine._sampler, "sample", clock.around("sampling", engine._sampler.sample)),
    ):
        for _ in range(_STEPS):
            clock.seconds = defaultdict(float)
            start = time.perf_counter()
            engine.step()
            steps.append((time.perf_counter() - start, clock.seconds))
    return steps
