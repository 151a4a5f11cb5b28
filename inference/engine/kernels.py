"""What a step does between the matrix products, one compiled function each (numba, no torch).

A step works on rows: a row is one token of some request, with its slot and its position in that
slot. Rows of a prefill and of a decode step are treated alike, and what comes out for a row does
not depend on the others. Shapes: N rows, C width, H heads, D = C / H, T context length.

Why not torch's own functions: with one query a row, `scaled_dot_product_attention` reads fp32
keys padded to the longest row, two thirds of a step at 64 streams; these read int8 keys, only
those of the row (docs/performance.md).
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numba import njit, prange

# OpenMP first: where torch is loaded before, numba finds torch's own threads and shares them. With
# a pool of its own beside torch's, which spins for a while after each product, a step takes twice
# as long.
numba.config.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]  # type: ignore[attr-defined]

SWIGLU, GELU, RELU = 0, 1, 2

_f32, _i32 = np.float32, np.int32
_EPS = _f32(1e-5)  # of the norms in inference.model
_LOG2E = _f32(1.4426950408889634)
_GELU_A, _GELU_B = _f32(1.5957691216), _f32(0.0713548162726)  # 2 sqrt(2 / pi), and times 0.044715
_INT8_MAX = _f32(127.0)


def _inline(function):  # type: ignore[no-untyped-def]
    return njit(fastmath=True, inline="always")(function)


def _row_loop(function):  # type: ignore[no-untyped-def]
    """Compile a loop over rows that uses the cores and lets other Python threads run.

    fastmath: inputs are finite, and sums may be taken in the order that is fastest.
    """
    return njit(parallel=True, fastmath=True, nogil=True, cache=True)(function)


@_inline
def _exp(x):  # type: ignore[no-untyped-def]
    """e^x to 1e-5 of itself, in arithmetic that becomes vector instructions (math.exp does not)."""
    y = max(min(x * _LOG2E, _f32(126.0)), _f32(-126.0))
    whole = math.floor(y)
    r = _f32(y - whole)
    p = _f32(1.3398874e-3) + r * _f32(1.5469732e-4)
    p = _f32(9.6178371e-3) + r * p
    p = _f32(5.5503324e-2) + r * p
    p = _f32(2.4022651e-1) + r * p
    p = _f32(6.9314718e-1) + r * p
    p = _f32(1.0) + r * p
    return p * _i32((_i32(whole) + _i32(127)) << _i32(23)).view(np.float32)


@_row_loop
def norm(x, out):  # type: ignore[no-untyped-def]
    """RMSNorm (Zhang & Sennrich 2019) without a weight: x (N, C) to out (N, C)."""
    for i in prange(x.shape[0]):
        _norm_row(x[i], out[i])


@_inline
def _norm_row(x, out):  # type: ignore[no-untyped-def]
    squares = _f32(0)
    for c in range(x.shape[0]):
        squares += x[c] * x[c]
    factor = _f32(1) / math.sqrt(squares / _f32(x.shape[0]) + _EPS)
    for c in range(x.shape[0]):
        out[c] = x[c] * factor


@_row_loop
def add_norm(x, y, scales, bias, out):  # type: ignore[no-untyped-def]
    """Add y * scales + bias to the residual stream x (N, C), and give its norm in `out`."""
    for i in prange(x.shape[0]):
        for c in range(x.shape[1]):
            x[i, c] += y[i, c] * scales[i] + bias[c]
        _norm_row(x[i], out[i])


@_inline
def _scale_row(row):  # type: ignore[no-untyped-def]
    """Bring a row's largest magnitude to 1 and give what it was: int8 takes all rows alike then."""
    largest = _f32(0)
    for c in range(row.shape[0]):
        largest = max(largest, abs(row[c]))
    if largest < _f32(1e-30):
        return _f32(1)
    factor = _f32(1) / largest
    for c in range(row.shape[0]):
        row[c] *= factor
    return largest


@_row_loop
def activate(hidden, kind, out, scales):  # type: ignore[no-untyped-def]
    """The MLP's activation of `hidden` (N, 2F for SwiGLU, gate first; else N, F) to out (N, F).

    Each row of `out` is divided by its largest magnitude, which goes to `scales` (N).
    """
    width = out.shape[1]
    for i in prange(hidden.shape[0]):
        x, o = hidden[i], out[i]
        if kind == SWIGLU:
            for c in range(width):
                o[c] = x[c] / (_f32(1) + _exp(-x[c])) * x[width + c]
        elif kind == GELU:
            for c in range(width):
                z = _GELU_A * x[c] + _GELU_B * x[c] * x[c] * x[c]
                o[c] = x[c] / (_f32(1) + _exp(-z))
        else:
            for c in range(width):
                o[c] = max(x[c], _f32(0))
        scales[i] = _scale_row(o)


@_inline
def _rotate(x, cos, sin):  # type: ignore[no-untyped-def]
    """Turn one head (D) by the angles of its position; halves are pairs, as in inference.model."""
    half = x.shape[0] // 2
    for d in range(half):
        a, b = x[d], x[half + d]
        x[d] = a * cos[d] - b * sin[d]
        x[half + d] = b * cos[d] + a * sin[d]


@_inline
def _quantize(x, out, is_exact):  # type: ignore[no-untyped-def]
    """Store one head's key or value; gives the factor that makes it of its true size again."""
    if is_exact:
        for d in range(x.shape[0]):
            out[d] = x[d]
        return _f32(1)
    largest = _f32(1e-20)
    for d in range(x.shape[0]):
        largest = max(largest, abs(x[d]))
    factor = _INT8_MAX / largest
    for d in range(x.shape[0]):
        out[d] = round(x[d] * factor)
    return largest / _INT8_MAX


@_row_loop
def store(qkv, angles, slots, positions, keys, key_scales, values, value_scales, is_exact):  # type: ignore[no-untyped-def]
    """Turn queries and keys of qkv (N, 3C) by their positions and put keys and values into slots.

    angles: (2, T, D / 2). keys, values: (slot, H, T, D), int8 or, `is_exact`, fp32; their scales
    (slot, H, T). The turned queries stay in qkv.
    """
    head_count, size = keys.shape[1], keys.shape[3]
    width = head_count * size
    for i in prange(qkv.shape[0]):
        slot, at = slots[i], positions[i]
        cos, sin = angles[0, at], angles[1, at]
        for h in range(head_count):
            q = qkv[i, h * size : (h + 1) * size]
            k = qkv[i, width + h * size : width + (h + 1) * size]
            v = qkv[i, 2 * width + h * size : 2 * width + (h + 1) * size]
            _rotate(q, cos, sin)
            _rotate(k, cos, sin)
            key_scales[slot, h, at] = _quantize(k, keys[slot, h, at], is_exact)
            value_scales[slot, h, at] = _quantize(v, values[slot, h, at], is_exact)


@_inline
def _softmax(scores, scales, factor):  # type: ignore[no-untyped-def]
    """Softmax of scores * scales * factor in place but for its sum; gives one over that."""
    largest = _f32(-1e30)
    for t in range(scores.shape[0]):
        scores[t] *= scales[t] * factor
        largest = max(largest, scores[t])
    total = _f32(0)
    for t in range(scores.shape[0]):
        scores[t] = _exp(scores[t] - largest)
        total += scores[t]
    return _f32(1) / total


@_inline
def _prefetch(keys, values, n):  # type: ignore[no-untyped-def]
    """Look at each cache line of a slot at once: waiting for them one by one takes 1.4 times."""
    seen = _f32(0)
    for h in range(keys.shape[0]):
        for t in range(n):
            seen += _f32(keys[h, t, 0]) + _f32(values[h, t, 0])
    return seen


@_row_loop
def attend(qkv, slots, positions, keys, key_scales, values, value_scales, out, scales):  # type: ignore[no-untyped-def]
    """Causal attention of each row over its slot up to its own position, to out (N, C).

    Each row of `out` is divided by its largest magnitude, which goes to `scales` (N).
    """
    head_count, size = keys.shape[1], keys.shape[3]
    factor = _f32(1) / math.sqrt(_f32(size))
    rows = qkv.shape[0]
    for j in prange(rows):
        # The rows of a prompt have ever more to read: from both ends, so that threads share alike.
        i = rows - 1 - j // 2 if j % 2 else j // 2
        slot, n = slots[i], positions[i] + 1
        scores = np.empty(n, np.float32)
        # Put somewhere until the scale is known, or the compiler would leave it out.
        scales[i] = _prefetch(keys[slot], values[slot], n)
        for h in range(head_count):
            q, k, v = qkv[i, h * size : (h + 1) * size], keys[slot, h], values[slot, h]
            for t in range(n):
                dot = _f32(0)
                for d in range(size):
                    dot += q[d] * _f32(k[t, d])
                scores[t] = dot
            inverse = _softmax(scores, key_scales[slot, h], factor)
            for t in range(n):
                scores[t] *= value_scales[slot, h, t] * inverse
            _weighted_sum(scores, v, out[i, h * size : (h + 1) * size])
        scales[i] = _scale_row(out[i])


@_inline
def _weighted_sum(weights, v, out):  # type: ignore[no-untyped-def]
    """Sum of weights (n) times rows of v (n, D); four rows a pass keep `out` in registers."""
    n, size = weights.shape[0], out.shape[0]
    out[:] = _f32(0)
    whole = n - n % 4
    for t in range(0, whole, 4):
        a, b, c, e = weights[t], weights[t + 1], weights[t + 2], weights[t + 3]
        for d in range(size):
            out[d] += (
                a * _f32(v[t, d]) + b * _f32(v[t + 1, d])
                + c * _f32(v[t + 2, d]) + e * _f32(v[t + 3, d])
            )  # fmt: skip
    for t in range(whole, n):
        for d in range(size):
            out[d] += weights[t] * _f32(v[t, d])
