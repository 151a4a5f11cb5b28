"""Which precision serves best on this CPU: the fastest whose distributions stay the model's own.

Measured at load in well under two seconds, because it differs from machine to machine: int8 is
several times as fast with VNNI, bf16 with AVX-512 BF16 or AMX, and each may be slow or missing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from inference.engine.config import PRECISIONS, Precision
from inference.engine.fold import FoldedGPT
from inference.engine.kv_cache import KVCache
from inference.engine.network import Network

logger = logging.getLogger(__name__)

# Nats a token between a precision's distributions and fp32's on the sample; the released model's
# int8 has 0.006 and loses 0.009 on held-out text, where a change of seed in training moves 0.02.
DIVERGENCE_LIMIT = 0.03
_BATCHES = (1, 8, 32)  # rows of the decode steps that are timed
_POSITION = 60  # how far their replies are
_TIME_S = 0.05  # for each precision and batch
_TRIES = 25


@dataclass(frozen=True, slots=True)
class Measured:
    """One precision on this machine; divergence in nats a token, step times in seconds by rows."""

    network: Network
    divergence: float
    step_s: dict[int, float]

    @property
    def cost(self) -> float:
        """Geometric mean of the step times: no batch size counts more than another."""
        return float(np.exp(np.mean(np.log(list(self.step_s.values())))))


def choose(folded: FoldedGPT, sample: Sequence[int], before: Precision | None = None) -> Network:
    """Give the fastest network whose divergence on `sample` (token ids of a talk) is small.

    Where an engine in the precision `before` serves in this process, times tell little: what was
    the fastest on this machine when it was quiet is taken again, if the divergence allows it.
    """
    reference = Network(folded, "fp32")
    expected = _logprobs(reference, sample)
    if before is not None and (network := _fitting(folded, before, expected, sample)):
        return network
    measured = [_measure(reference, expected, sample)]
    for precision in PRECISIONS[1:]:
        try:
            measured.append(_measure(Network(folded, precision), expected, sample))
        except RuntimeError as error:  # how torch says that it cannot
            logger.info("%s is not possible here: %s", precision, error)
    for one in measured:
        logger.info(
            "%s: divergence %.4f nats, step %s ms",
            one.network.precision,
            one.divergence,
            ", ".join(f"{1000 * s:.2f} at {rows}" for rows, s in one.step_s.items()),
        )
    fit = [one for one in measured if one.divergence <= DIVERGENCE_LIMIT]
    if not fit:
        raise ValueError("the model's own distributions are no numbers")
    return min(fit, key=lambda one: one.cost).network


def _fitting(
    folded: FoldedGPT, precision: Precision, expected: Tensor, sample: Sequence[int]
) -> Network | None:
    try:
        network = Network(folded, precision)
        return network if _divergence(network, expected, sample) <= DIVERGENCE_LIMIT else None
    except RuntimeError:  # as above: torch cannot
        return None


def _divergence(network: Network, expected: Tensor, sample: Sequence[int]) -> float:
    got = _logprobs(network, sample)
    return float((expected.exp() * (expected - got)).sum(-1).mean())


def _measure(network: Network, expected: Tensor, sample: Sequence[int]) -> Measured:
    divergence = _divergence(network, expected, sample)
    position = min(_POSITION, network.config.context_length - 1)
    short = replace(network.config, context_length=position + 1)
    cache = KVCache(short, max(_BATCHES), is_exact=network.precision == "fp32")
    times = {rows: _step_s(network, cache, rows, position) for rows in _BATCHES}
    # NaN is no fit, and compares as false with everything.
    return Measured(network, divergence if np.isfinite(divergence) else np.inf, times)


def _logprobs(network: Network, sample: Sequence[int]) -> Tensor:
    tokens = np.array(sample[: network.config.context_length], np.int64)
    cache = KVCache(network.config, 1, is_exact=network.precision == "fp32")
    slots = np.zeros(len(tokens), np.int64)
    return network.forward(tokens, slots, np.arange(len(tokens)), cache).log_softmax(-1)


def _step_s(network: Network, cache: KVCache, rows: int, position: int) -> float:
    """The fastest of some decode steps: what others do on the machine only ever adds."""
    slots, positions = np.arange(rows), np.full(rows, position)
    tokens = np.zeros_like(slots)
    network.forward(tokens, slots, positions, cache)  # prepares for this number of rows
    best, until = float("inf"), time.perf_counter() + _TIME_S
    for _ in range(_TRIES):
        start = time.perf_counter()
        network.forward(tokens, slots, positions, cache)
        end = time.perf_counter()
        best = min(best, end - start)
        if end > until:
            break
    return best
