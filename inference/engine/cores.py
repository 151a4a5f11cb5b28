"""How many cores a step may use, in torch's products and in the compiled loops between them."""

from __future__ import annotations

import numba
import torch


def use_cores(count: int) -> None:
    """Set the number of threads; 0 leaves it. numba's counts for the calling thread alone."""
    if count <= 0:
        return
    torch.set_num_threads(count)
    limit: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    numba.set_num_threads(min(count, limit))
