"""Finding texts that say the same: exactly, or nearly by MinHash over runs of four words.

MinHash (Broder 1997) with banding proposes pairs; their true Jaccard similarity decides, so
that chance never removes a text. Knows texts only, no roles and no files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

THRESHOLD = 0.8
_RUN = 4
# At a similarity of 0.8 a pair is missed once in 400, at 0.5 three in four are never compared.
_BANDS, _ROWS = 20, 6
_PLAUSIBLE = 0.6  # estimated; five standard deviations below the threshold
_CHUNK = 20_000  # runs hashed at once: 20 MB
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")

Runs = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Deduplicated:
    """Numbers of the texts to keep, in order; how many others were the same, or nearly."""

    kept: list[int]
    exact: int
    near: int


def deduplicate(texts: Sequence[str]) -> Deduplicated:
    """Keep the first of every group of equal or nearly equal texts."""
    first: dict[str, int] = {}
    for i, text in enumerate(texts):
        first.setdefault(text, i)
    unique = list(first.values())
    runs = word_runs([texts[i] for i in unique])
    kept = _without_near(runs, _signatures(runs))
    return Deduplicated(
        [unique[i] for i in kept], len(texts) - len(unique), len(unique) - len(kept)
    )


def word_runs(texts: Sequence[str]) -> list[Runs]:
    """The set of runs of four words of each text, hashed and sorted; case and marks are left out.

    A text of fewer words is one run.
    """
    numbers: dict[str, int] = {}
    sets: list[Runs] = []
    for text in texts:
        words = _WORD.findall(text.lower()) or [text]
        ids = np.fromiter((numbers.setdefault(w, len(numbers) + 1) for w in words), np.uint64)
        n = max(1, len(ids) - _RUN + 1)
        run = np.zeros(n, np.uint64)
        for part in (ids[i : i + n] for i in range(min(_RUN, len(ids)))):
            run = _mix(run + part)
        sets.append(np.unique(run))
    return sets


def _mix(x: Runs) -> Runs:
    """The finalizer of splitmix64: a bijection that scatters neighbouring numbers."""
    x = (x + np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _signatures(runs: Sequence[Runs]) -> NDArray[np.uint32]:
    """(texts, bands * rows): the smallest value of each hash function over a text's runs."""
    rng = np.random.default_rng(1)
    shape = _BANDS * _ROWS
    # Multiply-shift (Dietzfelbinger 1997): the upper half of a * x + b, a odd.
    a = rng.integers(1 << 63, size=shape, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    b = rng.integers(1 << 63, size=shape, dtype=np.uint64)
    out = np.empty((len(runs), shape), np.uint32)
    for start, end in _chunks(runs):
        lengths = [len(r) for r in runs[start:end]]
        hashed = (np.concatenate(runs[start:end])[:, None] * a + b) >> np.uint64(32)
        starts = np.cumsum([0, *lengths[:-1]])
        out[start:end] = np.minimum.reduceat(hashed, starts, axis=0)
    return out


def _chunks(runs: Sequence[Runs]) -> Iterator[tuple[int, int]]:
    start = size = 0
    for i, run in enumerate(runs):
        if size and size + len(run) > _CHUNK:
            yield start, i
            start, size = i, 0
        size += len(run)
    if start < len(runs):
        yield start, len(runs)


def _without_near(runs: Sequence[Runs], signatures: NDArray[np.uint32]) -> list[int]:
    keys = _shared_band_keys(signatures)
    buckets: dict[int, list[int]] = {}
    kept: list[int] = []
    for i, own in enumerate(keys):
        candidates = sorted({c for key in own for c in buckets.get(key, ())})
        if candidates and _has_similar(i, candidates, runs, signatures):
            continue
        kept.append(i)
        for key in own:
            buckets.setdefault(key, []).append(i)
    return kept


def _shared_band_keys(signatures: NDArray[np.uint32]) -> list[list[int]]:
    """For each text the bands that another text has too, as numbers: most texts have none."""
    own: list[list[int]] = [[] for _ in range(len(signatures))]
    for band in range(_BANDS):
        part = signatures[:, band * _ROWS : (band + 1) * _ROWS].astype(np.uint64)
        key: NDArray[Any] = np.full(len(part), band, np.uint64)
        for column in part.T:
            key = _mix(key + column)
        _, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
        for i in np.flatnonzero(counts[inverse] > 1).tolist():
            own[i].append(int(key[i]))
    return own


def _has_similar(
    i: int, candidates: list[int], runs: Sequence[Runs], signatures: NDArray[np.uint32]
) -> bool:
    estimates = (signatures[candidates] == signatures[i]).mean(axis=1)
    for j in np.flatnonzero(estimates >= _PLAUSIBLE).tolist():
        if jaccard(runs[i], runs[candidates[j]]) >= THRESHOLD:
            return True
    return False


def jaccard(a: Runs, b: Runs) -> float:
    """Size of the intersection by size of the union, of two sorted sets."""
    common = len(np.intersect1d(a, b, assume_unique=True))
    return common / (len(a) + len(b) - common)
