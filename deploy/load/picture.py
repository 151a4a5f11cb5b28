"""The picture of a run: people, pace, waits, failures, and what each process took. Draws only."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from deploy.load.figures import Run
from deploy.load.flat import WARM_UP
from deploy.load.soak import line_of

_COLOURS = {
    "web": "#2f7d4f", "worker": "#c2622d", "jobs": "#6b5fb0", "beat": "#8a8f98",
    "valkey": "#b3364b", "postgres": "#2f6ea8", "locust": "#b9bdc4",
}  # fmt: skip
_INK, _LEAF, _BARK = "#33363b", "#2f7d4f", "#c2622d"
_DPI, _PALETTE = 90, 192
_NOTHING_MB = 8  # the axis shows so much at least: what is flat looks flat


def draw(run: Run, title: str, path: Path, verdicts: dict[str, Any] | None = None) -> None:
    """Six panels; a soak's verdicts give two more."""
    rows = 4 if verdicts else 3
    figure = Figure(figsize=(11, 2.6 * rows), layout="constrained")
    axes = figure.subplots(rows, 2, sharex=True)
    _people(axes[0][0], run)
    _pace(axes[0][1], run)
    _waits(axes[1][0], run)
    _failures(axes[1][1], run)
    _cpu(axes[2][0], run)
    _memory(axes[2][1], run)
    if verdicts:
        _change(axes[3][0], run, verdicts)
        _handles(axes[3][1], run)
    for axis in axes.flat:
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_xlim(0, run.seconds)
    for axis in axes[-1]:
        axis.set_xlabel("seconds")
    figure.suptitle(title, fontsize=11)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    """With a palette: a third of the size."""
    with BytesIO() as buffer:
        figure.savefig(buffer, dpi=_DPI)
        with Image.open(buffer) as image:
            flat = image.convert("RGB").quantize(
                _PALETTE, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
            )
            flat.save(path, optimize=True)


def _people(axis: Axes, run: Run) -> None:
    axis.set_title("people, and replies under way", fontsize=9, loc="left")
    axis.plot(run.middles, run.users(), color=_INK, label="people")
    ends = [(r["t"] - run.begin, r["whole_ms"]) for r in run.lines["reply"] if r["whole_ms"]]
    begun = np.array([t - ms / 1e3 for t, ms in ends])
    ended = np.array([t for t, _ in ends])
    at = run.middles[:, None]
    axis.plot(
        run.middles, (begun <= at).sum(1) - (ended <= at).sum(1), color=_LEAF, label="replies"
    )
    axis.set_ylim(bottom=0)
    axis.legend(fontsize=8)


def _pace(axis: Axes, run: Run) -> None:
    axis.set_title("tokens/s (left), requests/s (right)", fontsize=9, loc="left")
    axis.plot(run.middles, run.tokens_rate(), color=_LEAF, label="tokens/s")
    right = axis.twinx()
    requests = np.concatenate([run.times("request"), run.times("reply")])
    right.plot(run.middles, run.rate(requests), color=_BARK, linewidth=1, label="requests/s")
    axis.set_ylim(bottom=0)
    right.set_ylim(bottom=0)
    right.spines["top"].set_visible(False)
    axis.legend(*_together(axis, right), fontsize=8)


def _together(*axes: Axes) -> tuple[list[Any], list[str]]:
    found = [axis.get_legend_handles_labels() for axis in axes]
    return [h for handles, _ in found for h in handles], [x for _, names in found for x in names]


def _waits(axis: Axes, run: Run) -> None:
    axis.set_title("time to the first token, ms", fontsize=9, loc="left")
    shades = {50: 1.0, 95: 0.6, 99: 0.3}
    for percentile, series in run.percentiles("ttft_ms").items():
        is_there = ~np.isnan(series)
        axis.plot(
            run.middles[is_there], series[is_there], color=_LEAF, alpha=shades[percentile],
            label=f"p{percentile}",
        )  # fmt: skip
    axis.set_ylim(bottom=0)
    axis.legend(fontsize=8)


def _failures(axis: Axes, run: Run) -> None:
    axis.set_title("failures, and refusals that named a time", fontsize=9, loc="left")
    failed = [
        line["t"] - run.begin
        for kind in ("request", "reply")
        for line in run.lines[kind]
        if line["error"]
    ]
    away = run.times("turned_away")
    width = run.bucket_s
    counts = [np.histogram(times, run.edges)[0] for times in (failed, away)]
    names = (f"failures: {len(failed)}", f"turned away: {len(away)}")
    for count, name, colour in zip(counts, names, ("#b3364b", "#d9a441"), strict=True):
        axis.bar(run.middles, count, width, color=colour, label=name)
    axis.set_ylim(0, max(1, *(int(count.max(initial=0)) for count in counts)))
    axis.legend(fontsize=8)


def _cpu(axis: Axes, run: Run) -> None:
    axis.set_title("CPU, cores", fontsize=9, loc="left")
    for name, part in sorted(run.parts.items()):
        width = min(3, len(part.t))  # of few samples numpy would make as many as the window has
        cores = np.convolve(part.cores(), np.ones(width) / width, "same")
        axis.plot(part.t, cores, color=_COLOURS.get(name), linewidth=1, label=name)
    axis.set_ylim(bottom=0)
    _legend(axis, run)


def _memory(axis: Axes, run: Run) -> None:
    axis.set_title("memory, MB: resident (thin), private (thick)", fontsize=9, loc="left")
    for name, part in sorted(run.parts.items()):
        colour = _COLOURS.get(name)
        axis.plot(part.t, part.columns["rss_mb"], color=colour, linewidth=0.8, alpha=0.6)
        axis.plot(part.t, part.columns["private_mb"], color=colour, linewidth=1.6, label=name)
    axis.set_yscale("log")
    _legend(axis, run)


def _change(axis: Axes, run: Run, verdicts: dict[str, Any]) -> None:
    axis.set_title("private memory since the warm-up, MB (median of 15 s)", fontsize=9, loc="left")
    begin = WARM_UP * run.seconds
    for name, part in sorted(run.parts.items()):
        verdict = verdicts.get(name, {}).get("private_mb")
        if verdict is None:
            continue
        label = f"{name} {verdict['slope']:+.1f} MB/h"
        change = line_of(name, part, "private_mb") - verdict["begin"]
        change = np.array([np.median(change[max(0, n - 2) : n + 3]) for n in range(len(change))])
        late = part.t >= begin
        axis.plot(part.t[late], change[late], color=_COLOURS.get(name), linewidth=1.2, label=label)
    low, high = axis.get_ylim()
    axis.set_ylim(min(low, -_NOTHING_MB), max(high, _NOTHING_MB))
    axis.axvspan(0, begin, color="#000000", alpha=0.05)
    axis.text(begin / 2, -_NOTHING_MB / 2, "warm-up", ha="center", fontsize=8, color=_INK)
    axis.legend(fontsize=7, ncols=2)


def _handles(axis: Axes, run: Run) -> None:
    axis.set_title("open files (line), threads (dots), without PostgreSQL", fontsize=9, loc="left")
    for name, part in sorted(run.parts.items()):
        if name not in ("locust", "postgres"):  # a process for each connection
            colour = _COLOURS.get(name)
            axis.plot(part.t, part.columns["files"], color=colour, linewidth=1.2, label=name)
            axis.plot(part.t, part.columns["threads"], ":", color=colour, linewidth=1.2)
    axis.set_ylim(bottom=0)
    _legend(axis, run)


def _legend(axis: Axes, run: Run) -> None:
    if run.parts:
        axis.legend(fontsize=7, ncols=2)
    else:
        axis.text(0.5, 0.5, "EuGPT runs elsewhere", ha="center", transform=axis.transAxes)
