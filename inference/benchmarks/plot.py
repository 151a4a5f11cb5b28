"""Rows as a picture. Needs matplotlib, which serving does not install."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

from inference.benchmarks.session import Row

mpl.use("Agg")
from matplotlib import pyplot as plt

_COLORS = ("#1f6f5c", "#c2703d", "#5b7db1", "#8a6fae", "#8aa39b", "#b0a04f", "#555555")


def plot_rows(rows: Sequence[Row], title: str, path: Path) -> None:
    """Draw tokens per second and time to first token over the streams, a line of panels for each
    prompt length.
    """
    prompts = sorted({r.prompt_tokens for r in rows})
    names = list(dict.fromkeys(r.contender for r in rows))
    figure, axes = plt.subplots(
        len(prompts), 2, figsize=(12, 4.2 * len(prompts)), dpi=110, squeeze=False
    )
    for (speed, wait), prompt_tokens in zip(axes, prompts, strict=True):
        part = [r for r in rows if r.prompt_tokens == prompt_tokens]
        _bars(speed, part, names, lambda r: r.measure.tokens_per_s)
        speed.set(ylabel="tokens/s in all", title=f"prompts of {prompt_tokens} tokens")
        streamed = [r for r in part if r.measure.ttft_p95_ms is not None]
        _bars(wait, streamed, names, lambda r: r.measure.ttft_p95_ms)
        wait.set(ylabel="TTFT p95 (ms)", yscale="log", title="time to first token")
        speed.legend(fontsize=8)
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def _bars(
    axes: Any, rows: Sequence[Row], names: Sequence[str], value: Callable[[Row], float | None]
) -> None:
    """Group bars by streams; a contender has the same place and colour in every panel."""
    streams = sorted({r.streams for r in rows})
    width = 0.8 / len(names)
    for i, name in enumerate(names):
        own = [r for r in rows if r.contender == name]
        places = [streams.index(r.streams) + (i - (len(names) - 1) / 2) * width for r in own]
        bars = axes.bar(places, [value(r) for r in own], width, label=name, color=_COLORS[i % 7])
        axes.bar_label(bars, fmt="%.0f", fontsize=6)
    axes.set_xticks(range(len(streams)), [str(s) for s in streams])
    axes.set(xlabel="streams")
    axes.grid(alpha=0.3, axis="y")
