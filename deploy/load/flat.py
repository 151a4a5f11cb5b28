"""Whether a line is flat: a robust slope after a warm-up, against a stated tolerance.

Theil and Sen's slope, the median of the slopes between all pairs of points, does not see single
peaks. A line that rose early and then stays is flat; therefore the warm-up is left out, and the
slope of the second half of the rest must be over the tolerance, too, before a part is said to grow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]
WARM_UP = 0.35  # of the run: pools, caches and allocators reach their size
_POINTS_MIN = 12
_POINTS_MAX = 400  # 80,000 pairs


@dataclass(frozen=True)
class Verdict:
    """Slopes in units an hour; `grows` where both are over the tolerance, and by `least` in all:
    what a short run shows in an hour's measure is mostly the end of its warm-up.
    """

    slope: float
    late_slope: float
    tolerance: float
    least: float
    begin: float
    end: float

    @property
    def grows(self) -> bool:
        is_steep = min(self.slope, self.late_slope) > self.tolerance
        return is_steep and self.end - self.begin > self.least


def slope(t: Series, y: Series) -> float:
    """Theil-Sen slope of y over t, in y's unit for each of t's; 0 for less than two points."""
    step = max(1, -(-len(t) // _POINTS_MAX))
    t, y = t[::step], y[::step]
    first, second = np.triu_indices(len(t), 1)
    apart = t[second] - t[first]
    pairs = apart > 0
    if not pairs.any():
        return 0.0
    return float(np.median((y[second] - y[first])[pairs] / apart[pairs]))


def judge(t: Series, y: Series, seconds: float, tolerance: float, least: float) -> Verdict | None:
    """The verdict over a line of a run of so many seconds; None where it has too few points."""
    after = t >= WARM_UP * seconds
    t, y = t[after], y[after]
    if len(t) < _POINTS_MIN:
        return None
    half = len(t) // 2
    return Verdict(
        slope=slope(t, y) * 3600,
        late_slope=slope(t[half:], y[half:]) * 3600,
        tolerance=tolerance,
        least=least,
        begin=float(np.median(y[:5])),
        end=float(np.median(y[-5:])),
    )
