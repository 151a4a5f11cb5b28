"""The curves of a measurement as one picture. Needs matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

_GREEN, _BROWN, _GREY = "#2f7d4f", "#a5673f", "#8a8a86"
_ORDER = ("worker", "web", "postgres", "valkey", "jobs", "beat")

Numbers = dict[str, Any]


def write_png(results: Numbers, path: Path) -> None:
    """Pace and waits by clients, pace by workers, CPU by part: what was measured of it."""
    figure = Figure(figsize=(10, 7), layout="constrained", facecolor="white")
    axes = figure.subplots(2, 2)
    drawers = (("clients", _pace), ("clients", _waits), ("workers", _workers), ("web", _parts))
    for axis, (name, draw) in zip(axes.flat, drawers, strict=True):
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", color="#e4e2dc", linewidth=0.8)
        axis.set_axisbelow(True)
        if results.get(name):
            draw(axis, results[name])
        else:
            axis.set_title(f"{name}: not measured", loc="left", fontsize=10)
    figure.savefig(path, dpi=90)


def _pace(axis: Axes, found: Numbers) -> None:
    points = found["points"]
    x = [point["clients"] for point in points]
    axis.plot(x, [point["tokens_per_s"] for point in points], "o-", color=_GREEN)
    _clients_axis(axis, x)
    axis.set_ylim(bottom=0)
    axis.set_title("tokens/s of one worker", loc="left", fontsize=10)


def _waits(axis: Axes, found: Numbers) -> None:
    points = [point for point in found["points"] if point["ttft_ms"]]
    x = [point["clients"] for point in points]
    for name, colour in (("p50", _GREEN), ("p95", _BROWN)):
        values = [point["ttft_ms"][name] for point in points]
        axis.plot(x, values, "o-", color=colour, label=f"TTFT {name}")
    axis.axvline(found["slots"], color=_GREY, linestyle=":", label=f"{found['slots']} slots")
    _clients_axis(axis, x)
    axis.set_yscale("log")
    axis.legend(frameon=False, fontsize=9)
    axis.set_title("time to first token, ms", loc="left", fontsize=10)


def _clients_axis(axis: Axes, clients: list[int]) -> None:
    axis.set_xscale("log", base=2)
    axis.set_xticks(clients, [str(count) for count in clients])
    axis.set_xlabel("clients")


def _workers(axis: Axes, found: Numbers) -> None:
    points = found["points"]
    names = [f"{point['workers']} x {point['threads']}" for point in points]
    bars = axis.bar(names, [point["tokens_per_s"] for point in points], color=_GREEN, width=0.6)
    axis.bar_label(bars, fmt="%.0f", fontsize=9)
    axis.set_xlabel("workers x threads")
    axis.set_title(
        f"tokens/s, {found['clients']} clients, all on the same cores", loc="left", fontsize=10
    )


def _parts(axis: Axes, found: Numbers) -> None:
    titles = [f"{found[key]['replies_per_s']:.0f} replies/s, {key}" for key in ("short", "long")]
    left = [0.0, 0.0]
    shades = (_GREEN, _BROWN, "#6b8fb3", "#c7a24a", _GREY, "#c9c7c1")
    for part, colour in zip(_ORDER, shades, strict=True):
        values = [_us(found[key]["cpu_us_per_token"], part) for key in ("short", "long")]
        axis.barh(titles, values, left=left, color=colour, label=part, height=0.5)
        left = [a + b for a, b in zip(left, values, strict=True)]
    axis.set_xlabel("CPU, us a token")
    axis.legend(frameon=False, fontsize=9, ncols=3)
    axis.set_ylim(-0.5, 2.1)
    axis.set_title("where the CPU goes", loc="left", fontsize=10)


def _us(used: dict[str, float], part: str) -> float:
    return sum(value for name, value in used.items() if name.rstrip("0123456789") == part)
