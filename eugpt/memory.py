"""What the C library keeps of memory that was given back to it."""

import ctypes
import sys
from contextlib import suppress

_M_MMAP_THRESHOLD = -3
_BIG_BYTES = 8 * 1024 * 1024


def return_big_blocks() -> None:
    """Have blocks of 8 MiB and more returned to the system at once, whichever thread freed them.

    A password's hash takes 19 MiB. glibc learns from the first one that such blocks are common and
    keeps one for each of its arenas, of which there are eight a core: under load the web process
    grew by 300 MB on two cores. Costs 8 ms a hash.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):  # another C library than glibc
            ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _BIG_BYTES)
