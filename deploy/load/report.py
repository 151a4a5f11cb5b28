"""The report of a run: report.json, report.md and report.png in its folder."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from deploy.load import soak
from deploy.load.figures import Run, read_run, summary

META = "run.json"
_SPREADS = (
    ("first token (TTFT), ms", "ttft_ms"),
    ("between messages of words, p95 of each reply, ms", "inter_token_p95_ms"),
    ("whole reply, ms", "whole_reply_ms"),
)


def write(folder: Path) -> list[str]:
    """Make the report anew from a folder's logs; returns the faults, [] for a good run."""
    run = read_run(folder)
    meta: dict[str, Any] = json.loads((folder / META).read_text(encoding="utf-8"))
    figures = meta | {"cores": os.cpu_count()} | summary(run)
    faults = _failures(figures) + list(meta.get("left_behind", ()))
    verdicts = None
    if meta["kind"] == "soak":
        verdicts, grown = soak.judge(run)
        faults += grown
        figures["verdicts"] = verdicts
    figures["faults"] = faults
    (folder / "report.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    (folder / "report.md").write_text(markdown(figures), encoding="utf-8")
    _draw(run, figures, folder / "report.png", verdicts)
    return faults


def _draw(run: Run, figures: dict[str, Any], path: Path, verdicts: dict[str, Any] | None) -> None:
    from deploy.load.picture import draw  # matplotlib takes a second to come

    ttft = figures["ttft_ms"] or {"p95": float("nan")}
    draw(
        run,
        f"{figures['kind']}: {figures['users']} people, {figures['seconds']:.0f} s, "
        f"{figures['tokens_per_s']} tokens/s, TTFT p95 {ttft['p95']:.0f} ms, "
        f"{len(figures['faults'])} faults",
        path,
        verdicts,
    )


def _failures(figures: dict[str, Any]) -> list[str]:
    found = [f"{n} replies: {error}" for error, n in figures["failed_replies"].items()]
    found += [f"{n} requests: {error}" for error, n in figures["failed_requests"].items()]
    if figures["exit_code"] and not found:
        found.append(f"Locust ended with exit code {figures['exit_code']}: see locust.log")
    if not figures["replies"]:
        found.append("nobody got a reply")
    return found


def markdown(figures: dict[str, Any]) -> str:
    """The figures for people."""
    f = figures
    lines = [
        f"# {f['kind'].capitalize()} test of {f['begun']}",
        "",
        f"{f['users']} people for {f['seconds']:.0f} s at {f['host'] or 'a fresh EuGPT here'}",
        f"({f['cores']} cores; load average before: {f['load_before']}).",
        "",
        f"* {f['replies']} replies, {f['tokens']} tokens: {f['tokens_per_s']} tokens/s",
        f"* {f['requests']} requests beside them: {f['requests_per_s']} a second",
        f"* {f['cancelled']} stopped, {f['resumed']} resumed after a lost line",
        f"* turned away with a time to come back: {_counts(f['turned_away'])}",
        f"* sent again over a new connection, as the kept one was closed: {f['asked_again']}",
        f"* faults: {'; '.join(f['faults']) or 'none'}",
        "",
        "| | p50 | p95 | p99 |",
        "|---|--:|--:|--:|",
    ]
    lines += [_spread_row(title, f[name]) for title, name in _SPREADS]
    lines += [_spread_row(f"{name} ({r['count']}), ms", r) for name, r in f["routes"].items()]
    if f["processes"]:
        lines += ["", "| process | cores | resident MB | private MB | files | threads |"]
        lines.append("|---|--:|--:|--:|--:|--:|")
        lines += [_process_row(name, part) for name, part in f["processes"].items()]
    if "verdicts" in f:
        lines += ["", "| after the warm-up, an hour | private MB | late half | files | threads |"]
        lines.append("|---|--:|--:|--:|--:|")
        lines += [_verdict_row(name, part) for name, part in f["verdicts"].items()]
        lines += ["", f"Allowed: {soak.TOLERANCE_MB_H:.0f} MB an hour."]
    return "\n".join(lines) + "\n"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"


def _spread_row(title: str, spread: dict[str, float] | None) -> str:
    cells = [f"{spread[p]:.0f}" if spread else "-" for p in ("p50", "p95", "p99")]
    return f"| {title} | {' | '.join(cells)} |"


def _process_row(name: str, part: dict[str, float]) -> str:
    columns = ("rss_mb_max", "private_mb_max", "files_max", "threads_max")
    return f"| {name} | {part['cores']:.2f} | {' | '.join(f'{part[c]:.0f}' for c in columns)} |"


def _verdict_row(name: str, part: dict[str, Any]) -> str:
    memory = part.get("private_mb")
    cells = [f"{memory['slope']:+.1f}", f"{memory['late_slope']:+.1f}"] if memory else ["-", "-"]
    for column in ("files", "threads"):
        found = part.get(column)
        cells.append(f"{found['slope']:+.1f}" if found else "-")
    return f"| {name} | {' | '.join(cells)} |"
