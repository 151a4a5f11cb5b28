"""The likeliest tokens of each row, for rows that look at many, and what greedy rows take.

A row's candidates are all tokens at least as likely as its k-th one, equals included: a set, so
what a row gets depends neither on the order in which a search meets equal logits nor on the rows
beside it. NumPy searches on the CPU: its SIMD partition beats `torch.topk`, which moves pairs of
value and index.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
NOTHING = -1  # the id of a place without a token
_LOWEST = np.finfo(np.float32).min  # what is banned, at -inf, is no candidate


@dataclass(frozen=True, slots=True)
class Candidates:
    """B rows of as many places as the fullest one needs; the others end in -inf and `NOTHING`."""

    ids: Ints  # (B, C), ascending
    values: Floats  # (B, C)


def argmax(logits: Tensor) -> Ints:
    """(B,): the lowest id with the largest logit of each row; `NOTHING` where that is no number."""
    if logits.device.type != "cpu":
        largest, ids = (part.cpu().numpy() for part in logits.max(1))
    else:
        values = logits.numpy()
        ids = values.argmax(1)
        largest = values[np.arange(len(ids)), ids]
    ids[~(largest >= _LOWEST)] = NOTHING
    return ids


def find_candidates(logits: Tensor, k: int) -> Candidates:
    """Find at least the k likeliest tokens of each row of `logits` (B, V), float32.

    A few less likely ones may be among them. A row of NaN has none.
    """
    search = _search if logits.device.type == "cpu" else _search_on_gpu
    places, values = search(logits, k)
    return _pad(places, values, *logits.shape)


def _search_on_gpu(logits: Tensor, k: int) -> tuple[Ints, Floats]:
    """Only the writer of training data samples there; what follows the search is small."""
    least = logits.topk(min(k, logits.shape[1]), sorted=True).values[:, -1:]
    places = (logits >= least.clamp_min(float(_LOWEST))).view(-1).nonzero()[:, 0]
    return places.cpu().numpy(), logits.view(-1)[places].cpu().numpy()


def _search(logits: Tensor, k: int) -> tuple[Ints, Floats]:
    """Places in the flattened logits, ascending, and the logits there."""
    values = logits.numpy()
    reached = values >= np.maximum(_lower_bound(logits, k), _LOWEST)
    places = reached.ravel().nonzero()[0]
    return places, values.ravel().take(places)


def _lower_bound(logits: Tensor, k: int) -> Floats:
    """(B, 1): a value that the k-th largest of each row is not below, and close to it.

    At least k logits reach the k-th largest maximum of disjoint chunks. With 4 k chunks or more
    few others do: 43 in all for k = 40. A chunk is every n-th id, which torch reduces fastest.
    """
    rows, vocab_size = logits.shape
    if k >= vocab_size:
        return np.full((rows, 1), _LOWEST, np.float32)
    chunks = 1 << (4 * k - 1).bit_length()
    if 2 * chunks > vocab_size:
        whole: Floats = np.partition(logits.numpy(), vocab_size - k, axis=1)
        return whole[:, vocab_size - k, None]
    layers = vocab_size // chunks  # the ids after the last whole layer cannot lower the bound
    maxima = logits[:, : layers * chunks].view(rows, layers, chunks).amax(1).numpy()
    maxima.partition(chunks - k, axis=1)
    return maxima[:, chunks - k, None]


def _pad(flat: Ints, values: Floats, rows: int, vocab_size: int) -> Candidates:
    """Put the tokens at `flat` (places in the flattened logits, ascending) into rows."""
    if not flat.size:
        return Candidates(np.full((rows, 1), NOTHING), np.full((rows, 1), -np.inf, np.float32))
    if rows == 1:
        return Candidates(flat[None], values[None])
    firsts = np.arange(rows + 1) * vocab_size
    starts = flat.searchsorted(firsts)
    counts = starts[1:] - starts[:-1]
    width = np.arange(counts.max())
    places = starts[:-1, None] + width
    ids, padded = flat.take(places, mode="clip"), values.take(places, mode="clip")
    ids -= firsts[:-1, None]
    outside = width >= counts[:, None]
    ids[outside], padded[outside] = NOTHING, -np.inf
    return Candidates(ids, padded)
