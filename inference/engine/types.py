"""Array types of the engine, for the type checker and the reader."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]
Integers: TypeAlias = NDArray[np.int64]
Stored: TypeAlias = NDArray[Any]  # int8 or fp32: keys and values as they are kept
