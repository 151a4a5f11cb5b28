"""What `prepare` found and wrote, as `report.json` and as a table to read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

REPORT = "report.json"


@dataclass(slots=True)
class SourceReport:
    """Counts of one source. Rows are documents of the source; documents are what was written.

    read = unwanted + cleaned + exact + near + the rows that were kept. Tokens and words are those
    of the training split. Small talk is only checked: its tokens are those of one filling.
    """

    name: str
    kind: str
    path: str
    fingerprint: str
    rows: int = 0
    broken: int = 0
    unwanted: int = 0
    cleaned: int = 0
    exact: int = 0
    near: int = 0
    train: int = 0
    held_out: int = 0
    tokens: int = 0
    words: int = 0
    held_out_tokens: int = 0
    seconds: float = 0.0
    note: str = ""


def read_reports(folder: Path) -> dict[str, SourceReport]:
    """Give the reports by source; none when there is no report or one of another form."""
    try:
        rows = json.loads((folder / REPORT).read_text(encoding="utf-8"))["sources"]
        return {row["name"]: SourceReport(**row) for row in rows}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def write_reports(folder: Path, reports: Mapping[str, SourceReport], about: dict[str, Any]) -> None:
    part = folder / f".{REPORT}.part"
    body = {**about, "sources": [asdict(report) for report in reports.values()]}
    with part.open("w", encoding="utf-8") as file:
        file.write(json.dumps(body, indent=2, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / REPORT)


_COLUMNS = ("rows", "broken", "unwanted", "cleaned", "exact", "near", "train", "held_out")
_SUMS = (*_COLUMNS, "tokens", "words")


def table(reports: Iterable[SourceReport]) -> str:
    """A line per source and their sum, fit for a terminal and for Markdown."""
    rows = list(reports)
    total = SourceReport("all", "", "", "")
    for column in (*_SUMS, "seconds"):
        setattr(total, column, sum(getattr(row, column) for row in rows))
    width = max(len(name) for name in ("source", *(row.name for row in rows)))
    head = ("source", *_SUMS, "s")
    lines = [_line(head, width), _line(tuple("-" * len(h) for h in head), width)]
    lines += [
        _line((row.name, *(f"{getattr(row, c):,}" for c in _SUMS), f"{row.seconds:.0f}"), width)
        for row in [*rows, total]
    ]
    return "\n".join(lines)


def _line(cells: tuple[str, ...], width: int) -> str:
    name, *numbers = cells
    return f"| {name:<{width}} | " + " | ".join(f"{n:>10}" for n in numbers) + " |"
