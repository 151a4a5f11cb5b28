"""From the times of tokens to numbers one can compare. Knows no torch and no Django."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from statistics import median

from inference.benchmarks.workload import Trace


@dataclass(frozen=True, slots=True)
class Measure:
    """One run of a workload. Latencies are over all its requests, not means of means.

    TTFT runs from sending a prompt to its first token, waiting for a slot included; inter-token
    latency is the gap between two tokens of one reply. A contender that gives no token before
    the whole reply is done has neither.
    """

    tokens_per_s: float
    seconds: float
    tokens: int
    ttft_p50_ms: float | None = None
    ttft_p95_ms: float | None = None
    inter_token_p50_ms: float | None = None
    inter_token_p95_ms: float | None = None

    def to_dict(self) -> dict[str, float | None]:
        return asdict(self)


def percentile(values: Sequence[float], q: float) -> float:
    """Give the `q`-th percentile (0 to 100), between two values by straight line."""
    if not values:
        raise ValueError("a percentile needs at least one value")
    ordered = sorted(values)
    place = (len(ordered) - 1) * q / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def summarize(traces: Sequence[Trace], *, is_streamed: bool = True) -> Measure:
    """Sum up a run; tokens per second count from the first prompt sent to the last token."""
    tokens = sum(len(t.token_times_s) for t in traces)
    start = min(t.submitted_s for t in traces)
    seconds = max(t.token_times_s[-1] for t in traces) - start
    if not is_streamed:
        return Measure(tokens / seconds, seconds, tokens)
    ttft = [1000 * (t.token_times_s[0] - t.submitted_s) for t in traces]
    gaps = [1000 * (b - a) for t in traces for a, b in pairwise(t.token_times_s)] or [0.0]
    return Measure(
        tokens / seconds, seconds, tokens,
        percentile(ttft, 50), percentile(ttft, 95), percentile(gaps, 50), percentile(gaps, 95),
    )  # fmt: skip


def typical(measures: Sequence[Measure]) -> Measure:
    """Give the median of each number over repeated runs: one disturbed run does not count."""
    medians = {}
    for field in fields(Measure):
        values = [v for m in measures if (v := getattr(m, field.name)) is not None]
        medians[field.name] = median(values) if values else None
    return Measure(**medians)  # type: ignore[arg-type]  # never None where it must not be


def spread(values: Sequence[float]) -> float:
    """Give how far repeated runs lie apart, as a share of their median."""
    return (max(values) - min(values)) / median(values)
