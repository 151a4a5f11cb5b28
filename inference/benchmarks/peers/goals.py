"""The goals of the engine: its tokens/s against the better peer and against the ancestor."""

from __future__ import annotations

from collections.abc import Sequence

from inference.benchmarks.report import align, ratio
from inference.benchmarks.session import Row

# Streams to the ratio that EuGPT is to reach against the better peer.
PEER_GOALS = {1: 1.0, 8: 1.8, 32: 2.5, 64: 2.5}
ANCESTOR_GOAL = 30.0  # one stream


def goals_table(rows: Sequence[Row], ours: str, peers: Sequence[str], ancestor: str) -> str:
    """Draw our ratio to every peer, and whether that to the better one reaches its goal."""
    lines = [["streams", *(f"x {p}" for p in peers), "better peer", "ratio", "goal", ""]]
    for row in (r for r in rows if r.contender == ours):
        ratios = {p: found for p in peers if (found := ratio(rows, row, p)) is not None}
        if not ratios:
            continue
        better = min(ratios, key=lambda p: ratios[p])
        lines.append(
            [
                str(row.streams),
                *(f"{ratios[p]:.2f}" if p in ratios else "-" for p in peers),
                better,
                *verdict(ratios[better], PEER_GOALS.get(row.streams)),
            ]
        )
        to_ancestor = ratio(rows, row, ancestor)
        if row.streams == 1 and to_ancestor is not None:
            blanks = ["-"] * len(peers)
            lines.append(["1", *blanks, ancestor, *verdict(to_ancestor, ANCESTOR_GOAL)])
    return align(lines)


def verdict(reached: float, goal: float | None) -> list[str]:
    if goal is None:
        return [f"{reached:.2f}", "-", ""]
    return [f"{reached:.2f}", f"{goal:.1f}", "reached" if reached >= goal else "missed"]
