"""The loss curve of a run as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt


def plot_losses(history: list[dict[str, Any]], path: Path) -> None:
    """Draw training loss (smoothed) and held-out loss against tokens seen."""
    figure, axes = plt.subplots(figsize=(8, 4.5), dpi=120)
    train = [(row["tokens"] / 1e6, row["loss"]) for row in history if "loss" in row]
    smooth, points = 0.0, []
    for i, (x, loss) in enumerate(train):
        smooth = loss if i == 0 else 0.95 * smooth + 0.05 * loss
        points.append((x, smooth))
    if points:
        axes.plot(*zip(*points, strict=True), label="training (smoothed)", color="#8aa39b")
    for key in sorted({k for row in history for k in row if k.startswith("held_out_")}):
        held = [(row["tokens"] / 1e6, row[key]) for row in history if key in row]
        label = key.removeprefix("held_out_") + ", held out (assistant tokens)"
        axes.plot(*zip(*held, strict=True), "o-", markersize=3, label=label, color="#1f6f5c")
    axes.set(xlabel="million tokens", ylabel="loss (nats per token)", title=path.parent.name)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
