"""KV slots: who has which, and which tokens each still holds. Imports no torch.

A slot keeps its tokens when its request leaves, until somebody else needs it: the longest unused
goes first. A prompt that begins like the tokens of some slot, in use or not, takes over their keys
and values instead of computing them again. Keys and values depend on the tokens alone, so whose
they were does not matter.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference.engine.types import Integers

# Fewer tokens are computed as quickly as they are copied.
_WORTH_REUSING = 8
# A slot is taken over as it is where no more than this share of what it keeps is lost; else its
# beginning is copied, so that two conversations which begin alike both stay.
_MAY_LOSE = 0.25


@dataclass(frozen=True, slots=True)
class Lease:
    """A slot for a request: its first `reused` tokens are there, once copied from `source`."""

    slot: int
    reused: int = 0
    source: int | None = None


class SlotPool:
    """Owns the table of slots. `tokens` (slot, T) and `lengths` tell what the cache holds."""

    def __init__(self, slots: int, context_length: int) -> None:
        self.tokens = np.zeros((slots, context_length), np.int64)
        self.lengths = np.zeros(slots, np.int64)
        self._free: OrderedDict[int, None] = OrderedDict.fromkeys(range(slots))

    @property
    def free_count(self) -> int:
        return len(self._free)

    def acquire(self, ids: Sequence[int]) -> Lease:
        """Take a slot for a context that begins with `ids`; KeyError when none is free.

        At least the last of `ids` is left to compute: its logits are wanted.
        """
        if not self._free:
            raise KeyError("no slot is free")
        source, count = self._longest_common(np.array(ids[:-1], np.int64))
        if count < _WORTH_REUSING:
            return self._take(next(iter(self._free)))
        if source in self._free and count >= self.lengths[source] * (1 - _MAY_LOSE):
            return self._take(source, count)
        if source in self._free:
            self._free.move_to_end(source)  # it was of use
        target = next((slot for slot in self._free if slot != source), source)
        return self._take(target, count, None if target == source else source)

    def wrote(self, slots: Integers, positions: Integers, tokens: Integers) -> None:
        """Note that the cache now holds these tokens; positions of a slot come in order."""
        self.tokens[slots, positions] = tokens
        self.lengths[slots] = positions + 1

    def release(self, slot: int) -> None:
        """Give a slot back; its tokens stay until it is needed."""
        self._free[slot] = None

    def _longest_common(self, ids: Integers) -> tuple[int, int]:
        """The slot that holds most of the beginning of `ids`, and how much."""
        if not len(ids):
            return 0, 0
        places = np.arange(len(ids))
        differs = (self.tokens[:, : len(ids)] != ids) | (places >= self.lengths[:, None])
        counts = np.where(differs.any(1), differs.argmax(1), len(ids))
        best = int(counts.argmax())
        return best, int(counts[best])

    def _take(self, slot: int, reused: int = 0, source: int | None = None) -> Lease:
        del self._free[slot]
        if source is not None:
            self.tokens[slot, :reused] = self.tokens[source, :reused]
        self.lengths[slot] = reused
        return Lease(slot, reused, source)
