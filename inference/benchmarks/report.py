"""Rows as a table to read and as JSON to keep. Ratios stand beside the numbers: they travel, the
numbers belong to one machine.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from inference.benchmarks.session import Row
from inference.benchmarks.statistics import spread

_MISSING = "-"


def table(rows: Sequence[Row], baselines: Sequence[str] = ()) -> str:
    """Draw one table for each prompt length.

    `cold` is the share of tokens/s that the run before the measured ones had. `x first` compares
    with the contender's own fewest streams, the columns after it with a baseline at as many.
    """
    parts = []
    for prompt_tokens in sorted({r.prompt_tokens for r in rows}):
        part = [r for r in rows if r.prompt_tokens == prompt_tokens]
        header = [
            "contender", "streams", "tokens/s", "± %", "cold", "x first",
            *(f"x {name}" for name in baselines),
            "TTFT p50", "p95 ms", "inter-token p50", "p95 ms", "RSS MB", "start s",
        ]  # fmt: skip
        lines = [_cells(r, part, baselines) for r in part]
        parts.append(f"prompt {prompt_tokens} tokens\n{align([header, *lines])}")
    return "\n\n".join(parts) + "\n"


def ratio(rows: Sequence[Row], row: Row, other: str) -> float | None:
    """Compare tokens/s with another contender on the same prompts, if that was measured.

    One that was measured with fewer streams only serves one request at a time: more streams wait
    longer and get no more in all, so its largest number of streams stands for them.
    """
    found = [
        r
        for r in rows
        if r.contender == other
        and r.prompt_tokens == row.prompt_tokens
        and r.streams <= row.streams
    ]
    if not found:
        return None
    nearest = max(found, key=lambda r: r.streams)
    return row.measure.tokens_per_s / nearest.measure.tokens_per_s


def align(lines: Sequence[Sequence[str]]) -> str:
    """Put cells below each other: the first column to the left, the others to the right."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            [
                line[0].ljust(widths[0]),
                *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True)),
            ]
        )
        for line in lines
    )


def write_json(path: Path, rows: Sequence[Row], machine: dict[str, Any], **parts: Any) -> None:
    """Write everything that the table was made from."""
    content = {"machine": machine, **parts, "rows": [asdict(r) for r in rows]}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _cells(row: Row, rows: Sequence[Row], baselines: Sequence[str]) -> list[str]:
    m = row.measure
    first = min((r for r in rows if r.contender == row.contender), key=lambda r: r.streams)
    precision = row.facts.get("precision", "")
    return [
        f"{row.contender} ({precision})" if row.contender.endswith("auto") else row.contender,
        str(row.streams),
        _number(m.tokens_per_s, 0 if m.tokens_per_s >= 100 else 1),
        _number(100 * spread(row.repeats) / 2, 0),
        _number(row.cold / m.tokens_per_s, 2),
        _number(m.tokens_per_s / first.measure.tokens_per_s, 2),
        *(_number(ratio(rows, row, name), 2) for name in baselines),
        *(
            _number(v, 1)
            for v in (m.ttft_p50_ms, m.ttft_p95_ms, m.inter_token_p50_ms, m.inter_token_p95_ms)
        ),
        _number(row.rss_mb, 0),
        _number(row.start_s, 2),
    ]


def _number(value: float | None, digits: int) -> str:
    return _MISSING if value is None else f"{value:,.{digits}f}"
