"""One step on the network: chunks of requests to rows, rows to logits. One thread only."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
from torch import Tensor

from inference.engine.kv_cache import KVCache
from inference.engine.network import Network
from inference.engine.scheduler import Chunk
from inference.engine.slots import Lease, SlotPool
from inference.engine.types import Integers


class Runner:
    """Owns the cache and writes down in the pool what it holds."""

    def __init__(self, network: Network, pool: SlotPool) -> None:
        self.network = network
        self.pool = pool
        # fp32 keeps the keys and values as they are: it is the reference for the others.
        is_exact = network.precision == "fp32"
        self.cache = KVCache(network.config, len(pool.lengths), is_exact=is_exact)

    def warm_up(self, slots: int) -> None:
        """Compute a token in 1, 2, … `slots` slots, of which the pool learns nothing.

        FBGEMM writes its code for each number of rows when it first meets it: 10 to 20 ms, which
        would fall on the first replies. Larger steps, prompts among them, still meet that.
        """
        for rows in range(1, slots + 1):
            zeros = np.zeros(rows, np.int64)
            self.network.forward(zeros, np.arange(rows), zeros, self.cache)

    def start(self, lease: Lease) -> None:
        """Make a slot what its lease says."""
        if lease.source is not None:
            self.cache.copy(lease.source, lease.slot, lease.reused)

    def run(self, chunks: Sequence[Chunk]) -> Tensor:
        """Compute the chunks; gives logits (B, V) of those that give a token, in their order."""
        tokens, slots, positions = _rows(chunks)
        ends = np.cumsum([chunk.count for chunk in chunks]) - 1
        wanted = ends[np.array([chunk.gives_token for chunk in chunks])]
        logits = self.network.forward(
            tokens, slots, positions, self.cache, None if len(wanted) == len(tokens) else wanted
        )
        self.pool.wrote(slots, positions, tokens)
        for chunk in chunks:
            chunk.request.computed += chunk.count
        return logits


def _rows(chunks: Sequence[Chunk]) -> tuple[Integers, Integers, Integers]:
    """Token ids, slots and positions (N), chunk after chunk."""
    counts = [chunk.count for chunk in chunks]
    tokens = chain.from_iterable(c.request.ids(c.start, c.count) for c in chunks)
    starts = np.array([chunk.start for chunk in chunks])
    slots = np.array([chunk.request.slot for chunk in chunks])
    if len(chunks) == sum(counts):
        return np.fromiter(tokens, np.int64, len(chunks)), slots, starts
    offsets = np.arange(sum(counts)) - np.repeat(np.cumsum(counts) - counts, counts)
    return (
        np.fromiter(tokens, np.int64, len(offsets)),
        np.repeat(slots, counts),
        np.repeat(starts, counts) + offsets,
    )
