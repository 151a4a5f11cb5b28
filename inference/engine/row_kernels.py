"""Choosing a token for each row in compiled loops (numba), no row knowing of another.

`choose_rows` does all of it for rows with a narrow filter, the usual case. It reads a row twice:
for the maxima of its chunks, which give a value that at least k logits reach, and for the logits
that do. These, little more than k, are ordered, filtered and drawn from. `draw_rows` only draws.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

NARROW = 64  # the widest top-k of `choose_rows`
CROWDED = -2  # its answer where more logits reach the bound than there is room for: many equals
_NO_NUMBER = -1
_ROOM = 256
_CHUNKS = 1024  # at 1024 chunks and k = 40 one chunk in fifty holds two of the likeliest
_SPARE = 6  # to find exactly the k-th maximum would cost more than that many logits
_BISECTIONS = 24

_f32, _u64 = np.float32, np.uint64
_LOWEST = np.finfo(np.float32).min
_GOLDEN = _u64(0x9E3779B97F4A7C15)
_MIX1, _MIX2 = _u64(0xBF58476D1CE4E5B9), _u64(0x94D049BB133111EB)
_LARGEST_BITS = _u64(2**52 - 1)


def _inline(function):  # type: ignore[no-untyped-def]
    return njit(inline="always")(function)


def _rows(types: str):  # type: ignore[no-untyped-def]
    """Compile a loop over rows now: no request shall wait for that. Kept beside this file."""
    return njit(f"void({types})", parallel=True, nogil=True, cache=True)


@_inline
def _mix(z):  # type: ignore[no-untyped-def]
    """SplitMix64's finalizer (Steele et al. 2014)."""
    z = (z ^ (z >> _u64(30))) * _MIX1
    z = (z ^ (z >> _u64(27))) * _MIX2
    return z ^ (z >> _u64(31))


@_inline
def step_key(seed, step):  # type: ignore[no-untyped-def]
    """Spread a seed, often a small number, over 64 bits, and go from step to step."""
    return _mix(_mix(_u64(seed) + _GOLDEN) + _u64(step) * _GOLDEN)


@_inline
def random_bits(key, token):  # type: ignore[no-untyped-def]
    """52 bits, a pure function of seed, step and token id: no generator has a state to keep."""
    return _mix(key + _u64(token) * _GOLDEN) >> _u64(12)


@_inline
def gumbel(bits):  # type: ignore[no-untyped-def]
    """Gumbel noise; in double precision, so that no rounding decides between two tokens.

    With a 53rd bit the half would round, and one of 2^53 numbers would be infinite.
    """
    return -math.log(-math.log((np.float64(bits) + 0.5) * 2.0**-52))


@_inline
def _may_exceed(bits, need):  # type: ignore[no-untyped-def]
    """Whether noise of `bits` can be above `need`: false is certain, and saves two logarithms.

    With u = (bits + 0.5) / 2^52, noise above need means 1 - u <= -log(u) < e^-need < 2^-m for
    m = floor(need / log(2)): the first m bits of 1 - u are zeros.
    """
    if need <= 0:
        return True
    zeros = need * 1.4426  # a little less than 1 / log(2)
    return zeros < 53 and (_LARGEST_BITS - bits) >> (_u64(52) - _u64(zeros)) == 0


@_inline
def _draw(ids, values, least, temperature, key):  # type: ignore[no-untyped-def]
    """The Gumbel-max trick over the values from `least` on."""
    best, chosen = -np.inf, _NO_NUMBER
    for i in range(ids.shape[0]):
        if values[i] >= least:
            scaled, bits = values[i] / temperature, random_bits(key, ids[i])
            if _may_exceed(bits, best - scaled):
                score = scaled + gumbel(bits)
                if score > best:
                    best, chosen = score, ids[i]
    return chosen


@_inline
def _take_maxima(row, chunks, maxima):  # type: ignore[no-untyped-def]
    """A chunk is every n-th logit, so that one vector instruction serves many chunks.

    What follows the last whole layer is in no chunk: it could not lower the bound.
    """
    for c in range(_CHUNKS):
        maxima[c] = -np.inf
    for layer in range(row.shape[0] // chunks):
        for c in range(chunks):
            v = row[layer * chunks + c]
            maxima[c] = v if v > maxima[c] else maxima[c]


@_inline
def _greatest(row, chunks, maxima):  # type: ignore[no-untyped-def]
    """The lowest id of the greatest logit."""
    best, chosen, whole = _LOWEST, _NO_NUMBER, row.shape[0] - row.shape[0] % chunks
    for i in range(whole, row.shape[0]):
        if row[i] > best:
            best, chosen = row[i], i
    for c in range(chunks):
        if maxima[c] >= best:
            i = c
            while row[i] != maxima[c]:
                i += chunks
            if maxima[c] > best or i < chosen:
                best, chosen = maxima[c], i
    return chosen


@_inline
def _bound(maxima, k):  # type: ignore[no-untyped-def]
    """A value that at least k maxima reach, and few more."""
    # Each of NARROW parts has a maximum of its own, so at least NARROW reach the smallest.
    parts = maxima[:NARROW].copy()
    for first in range(NARROW, _CHUNKS, NARROW):
        for p in range(NARROW):
            v = maxima[first + p]
            parts[p] = v if v > parts[p] else parts[p]
    low, high = parts[0], parts[0]
    for p in range(NARROW):
        low, high = min(low, parts[p]), max(high, parts[p])
    low = max(low, _LOWEST)
    for _ in range(_BISECTIONS):
        middle = low + (high - low) * _f32(0.5)
        count = 0
        for c in range(_CHUNKS):
            count += maxima[c] >= middle
        if count < k:
            high = middle
        else:
            low = middle
            if count <= k + _SPARE:
                break
    return low


@_inline
def _collect(row, chunks, maxima, bound, ids, values):  # type: ignore[no-untyped-def]
    """Write down the logits that reach the bound, as far as there is room; gives their number."""
    count, whole = 0, row.shape[0] - row.shape[0] % chunks
    for c in range(chunks):
        if maxima[c] >= bound:
            for i in range(c, whole, chunks):
                if row[i] >= bound:
                    if count < _ROOM:
                        ids[count], values[count] = i, row[i]
                    count += 1
    for i in range(whole, row.shape[0]):
        if row[i] >= bound:
            if count < _ROOM:
                ids[count], values[count] = i, row[i]
            count += 1
    return count


@_inline
def _least_kept(values, k, temperature, top_p, min_p):  # type: ignore[no-untyped-def]
    """The smallest of `values` that top-k, top-p and min-p leave."""
    ordered = values.copy()
    for i in range(1, ordered.shape[0]):
        v, j = ordered[i], i
        while j > 0 and ordered[j - 1] < v:
            ordered[j] = ordered[j - 1]
            j -= 1
        ordered[j] = v
    least = ordered[min(k, ordered.shape[0]) - 1]
    if top_p >= 1 and min_p == 0:
        return least
    weights = np.empty(ordered.shape[0])
    total, kept = 0.0, 0
    while kept < ordered.shape[0] and ordered[kept] >= least:
        weights[kept] = math.exp((ordered[kept] - ordered[0]) / temperature)
        total += weights[kept]
        kept += 1
    before, last = 0.0, 0
    for i in range(kept):
        if (top_p < 1 and before >= top_p * total) or weights[i] < min_p:
            break
        before, last = before + weights[i], i
    return ordered[last]


@_rows("i8[:, ::1], f4[:, ::1], f4[::1], f8[::1], u8[::1], i8[::1], i8[::1]")
def draw_rows(ids, values, least, temperature, seeds, steps, out):  # type: ignore[no-untyped-def]
    """Draw from the `ids` (B, C) whose `values` are not below the row's `least` (B,) into `out`.

    Below 0 for a row that has none.
    """
    for i in prange(ids.shape[0]):
        key = step_key(seeds[i], steps[i])
        out[i] = _draw(ids[i], values[i], least[i], temperature[i], key)


@_inline
def _forbid(row, banned, end_id, is_early):  # type: ignore[no-untyped-def]
    for b in range(banned.shape[0]):
        row[banned[b]] = -np.inf
    if is_early:
        row[end_id] = -np.inf


@njit
def _choose(row, k, temperature, top_p, min_p, seed, step):  # type: ignore[no-untyped-def]
    chunks, maxima = min(_CHUNKS, row.shape[0]), np.empty(_CHUNKS, np.float32)
    _take_maxima(row, chunks, maxima)
    if k == 1:
        return _greatest(row, chunks, maxima)
    ids, values = np.empty(_ROOM, np.int64), np.empty(_ROOM, np.float32)
    count = _collect(row, chunks, maxima, _bound(maxima, k), ids, values)
    if count > _ROOM or count == 0:
        return CROWDED if count else _NO_NUMBER
    ids, values = ids[:count], values[:count]
    least = _least_kept(values, k, temperature, top_p, min_p)
    return _draw(ids, values, least, temperature, step_key(seed, step))


@_rows(
    "f4[:, ::1], i8[::1], i8, i8[::1], "
    "i8[::1], f8[::1], f8[::1], f8[::1], u8[::1], i8[::1], i8[::1]"
)
def choose_rows(  # type: ignore[no-untyped-def]
    logits, banned, end_id, min_tokens, k, temperature, top_p, min_p, seeds, steps, out
):
    """Choose ids for float32 `logits` (B, V) into `out`; params (B,), k from 1 to `NARROW`.

    It may be `CROWDED`; a row without numbers gets the end.
    """
    for i in prange(logits.shape[0]):
        _forbid(logits[i], banned, end_id, steps[i] < min_tokens[i])
        chosen = _choose(logits[i], k[i], temperature[i], top_p[i], min_p[i], seeds[i], steps[i])
        out[i] = end_id if chosen == _NO_NUMBER else chosen
