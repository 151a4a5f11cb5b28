"""Gumbel noise from a counter-based hash of (seed, step, token id).

There is no generator state: a request resumed on another worker, or batched with others, draws
what it would have drawn alone. In double precision, so that no rounding decides between two
tokens.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

UInts = npt.NDArray[np.uint64]
# Arrays without dimensions: NumPy takes them twice as quickly as its scalars.
_GOLDEN = np.array(0x9E3779B97F4A7C15, np.uint64)
_MIX1, _MIX2 = np.array(0xBF58476D1CE4E5B9, np.uint64), np.array(0x94D049BB133111EB, np.uint64)
_SHIFT1, _SHIFT2, _SHIFT3 = (np.array(n, np.uint64) for n in (30, 27, 31))
_SPARE = np.array(11, np.uint64)  # bits that a double's fraction has no room for


def seed_keys(seeds: UInts) -> UInts:
    """Spread seeds, which are often small numbers, over 64 bits."""
    return _mix(seeds + _GOLDEN)


def step_keys(keys: UInts, steps: UInts) -> UInts:
    """Give the keys of one step of each row."""
    return _mix(keys + steps * _GOLDEN)


def gumbel(keys: UInts, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Noise (B, C) for the token `ids` (B, C) under the step's `keys` (B,)."""
    bits = _mix(keys[:, None] + ids.view(np.uint64) * _GOLDEN)
    bits >>= _SPARE
    noise = bits.astype(np.float64)
    noise += 0.5
    noise *= 2.0**-53  # uniform, never 0 or 1
    np.log(noise, out=noise)
    np.negative(noise, out=noise)
    np.log(noise, out=noise)
    return np.negative(noise, out=noise)


def _mix(z: UInts) -> UInts:
    """SplitMix64's finalizer (Steele et al. 2014), in place."""
    z ^= z >> _SHIFT1
    z *= _MIX1
    z ^= z >> _SHIFT2
    z *= _MIX2
    z ^= z >> _SHIFT3
    return z
