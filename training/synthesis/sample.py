"""Some of the written conversations as plain text, for people to read."""

from __future__ import annotations

import random
from pathlib import Path

from training import corpus

_NAMES = {"user": "User", "assistant": "EuGPT"}


def write_sample(source: Path, out: Path, size: int, seed: int) -> int:
    """Write `size` conversations drawn at random, or all; returns how many."""
    rows = list(corpus.read_rows(source))
    picked = random.Random(seed).sample(rows, min(size, len(rows)))
    blocks = [f"{len(picked)} of {len(rows)} conversations, drawn at random, nothing mended."]
    for number, row in enumerate(picked, 1):
        lines = [f"{_NAMES[turn.role]}: {turn.content}" for turn in corpus.row_turns(row)]
        blocks.append("\n".join([f"{number}. (score {row['score']:.2f})", *lines]))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    return len(picked)
