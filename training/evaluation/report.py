"""Writes evaluation.json (everything) and evaluation.md (the one table, then the failures)."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.evaluation.result import Failure, Measure, Row


def write_report(out: Path, about: dict[str, Any], measures: dict[str, Measure]) -> None:
    content = about | {
        "measures": {
            name: {
                "rows": [asdict(r) | {"is_reached": r.is_reached} for r in m.rows],
                "failures": [asdict(f) for f in m.failures],
            }
            for name, m in measures.items()
        }
    }
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    (out / "evaluation.json").write_text(text, encoding="utf-8")
    (out / "evaluation.md").write_text(as_markdown(about, measures), encoding="utf-8")


def as_markdown(about: dict[str, Any], measures: dict[str, Measure]) -> str:
    parts = [f"# Evaluation of {about['checkpoint']}", "", _introduction(about), ""]
    parts += table([row for m in measures.values() for row in m.rows])
    for name, measure in measures.items():
        if measure.failures:
            parts += ["", f"## Failed: {name} ({len(measure.failures)})", ""]
            parts += [line for failure in measure.failures for line in _failure(failure)]
    return "\n".join(parts) + "\n"


def table(rows: list[Row]) -> list[str]:
    """The one table, as lines of Markdown."""
    lines = ["| Measure | Result | Goal | Over |", "|---|--:|:--|:--|"]
    return lines + [f"| {r.label} | {show(r)} | {_goal(r)} | {r.note} |" for r in rows]


def show(row: Row) -> str:
    if row.value is None:
        return "not measured"
    return f"{row.value:.1%}" if row.form == "percent" else f"{row.value:.3f}"


def _goal(row: Row) -> str:
    if not row.goal:
        return ""
    sign, limit = row.goal.split()
    wanted = f"{float(limit):.0%}" if row.form == "percent" else limit
    reached = {True: ", reached", False: ", not reached", None: ""}[row.is_reached]
    return f"{'at least' if sign == '>=' else 'under'} {wanted}{reached}"


def _introduction(about: dict[str, Any]) -> str:
    limit = about["limit"]
    cut = f" **A quick look: at most {limit} cases of each measure.**" if limit else ""
    return (
        f"{about['parameters']:,} parameters, manifest {about['sha256'][:12]}. Questions are "
        f"answered greedily; topic, repetition and conversations are sampled at temperature "
        f"{about['temperature']}, top-k 40, seed {about['seed']}.{cut}"
    )


def _failure(failure: Failure) -> list[str]:
    return [
        f"* {_line(failure.case)}",
        f"  * expected: {_line(failure.expected)}",
        f"  * reply: {_line(failure.reply) or '(nothing)'}",
    ]


def _line(text: str) -> str:
    """One line that Markdown takes literally."""
    flat = " ".join(text.split())
    return "".join("\\" + c if c in "\\`*_[]<>|#" else c for c in flat)
