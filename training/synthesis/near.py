"""Whether a text nearly says what an earlier one said, for texts that come one after the other.

`training.prepare.deduplicate` compares a whole set at once; here the set grows. Sketches of the
smallest hashes (bottom-k MinHash, Broder 1997) propose, the true Jaccard similarity decides.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter

import numpy as np

from training.prepare.deduplicate import THRESHOLD, Runs, jaccard

_RUN = 4
# Of the 6 smallest runs of two texts of similarity 0.8, two are shared but once in 600 times.
_SKETCH, _SHARED = 6, 2
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def word_runs(text: str) -> Runs:
    """Runs of four words, hashed and sorted; the hashes of all calls may be compared."""
    words = _WORD.findall(text.lower())
    n = max(1, len(words) - _RUN + 1)
    runs = (" ".join(words[i : i + _RUN]).encode() for i in range(n))
    digests = b"".join(hashlib.blake2b(run, digest_size=8).digest() for run in runs)
    return np.unique(np.frombuffer(digests, np.uint64))


class NearIndex:
    """Texts seen so far."""

    def __init__(self) -> None:
        self._runs: list[Runs] = []
        self._holders: dict[int, list[int]] = {}  # sketch hash: numbers of texts

    def __len__(self) -> int:
        return len(self._runs)

    def add(self, text: str) -> None:
        runs = word_runs(text)
        for key in _sketch(runs):
            self._holders.setdefault(key, []).append(len(self._runs))
        self._runs.append(runs)

    def has_near(self, text: str) -> bool:
        """Whether a text was added of at least the similarity that `prepare` calls the same."""
        runs = word_runs(text)
        shared = Counter(n for key in _sketch(runs) for n in self._holders.get(key, ()))
        needed = min(_SHARED, len(runs))
        return any(
            count >= needed and jaccard(runs, self._runs[n]) >= THRESHOLD
            for n, count in shared.items()
        )


def is_near(text: str, other: str) -> bool:
    return jaccard(word_runs(text), word_runs(other)) >= THRESHOLD


def _sketch(runs: Runs) -> list[int]:
    smallest: list[int] = runs[:_SKETCH].tolist()
    return smallest
