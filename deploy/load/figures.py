"""The logs of a run as figures: series over time for the picture, sums for JSON and Markdown."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy.load.samples import FILE_NAME

Series = NDArray[np.float64]
Line = dict[str, Any]
_BUCKETS = 100
_PERCENTILES = (50, 95, 99)
_WHOLE = ("cpu_s", "rss_mb", "private_mb", "files", "threads")


@dataclass
class Part:
    """One part of EuGPT over time: columns of the same length as `t` (seconds since the start)."""

    t: Series
    columns: dict[str, Series]
    pids: list[list[int]]

    def cores(self) -> Series:
        """CPU cores in use between each two samples; the first is 0."""
        gone = np.diff(self.columns["cpu_s"], prepend=self.columns["cpu_s"][:1])
        apart = np.diff(self.t, prepend=self.t[:1] - 1)
        return np.clip(gone / apart, 0, None)


@dataclass
class Run:
    """Everything that was logged, times in seconds since the first line."""

    lines: dict[str, list[Line]]
    parts: dict[str, Part]
    begin: float
    seconds: float
    bucket_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.bucket_s = max(1.0, self.seconds / _BUCKETS)

    @property
    def edges(self) -> Series:
        return np.arange(0.0, self.seconds + self.bucket_s, self.bucket_s)

    @property
    def middles(self) -> Series:
        return self.edges[:-1] + self.bucket_s / 2

    def times(self, kind: str, **only: Any) -> Series:
        wanted = (x for x in self.lines[kind] if all(x.get(k) == v for k, v in only.items()))
        return np.array([line["t"] - self.begin for line in wanted])

    def rate(self, times: Iterable[float]) -> Series:
        """Events a second in each bucket."""
        counts, _ = np.histogram(np.fromiter(times, float), self.edges)
        rate: Series = counts / self.bucket_s
        return rate

    def tokens_rate(self) -> Series:
        """Tokens a second: those of a reply lie evenly between its first and its last word."""
        sums = np.zeros(len(self.edges) - 1)
        for reply in self.lines["reply"]:
            if reply["first"] is not None and reply["tokens"]:
                at = np.linspace(reply["first"], reply["last"], reply["tokens"]) - self.begin
                sums += np.histogram(at, self.edges)[0]
        return sums / self.bucket_s

    def percentiles(self, name: str) -> dict[int, Series]:
        """Percentiles of a reply's figure in each bucket, NaN where nothing ended."""
        found: dict[int, list[float]] = defaultdict(list)
        values = [(r["t"] - self.begin, r[name]) for r in self.lines["reply"] if r[name]]
        for low in self.edges[:-1]:
            here = [value for t, value in values if low <= t < low + self.bucket_s]
            for p in _PERCENTILES:
                found[p].append(float(np.percentile(here, p)) if here else np.nan)
        return {p: np.array(series) for p, series in found.items()}

    def users(self) -> Series:
        """People in each bucket: the sum over Locust's processes of the last count of each."""
        by_process: dict[str, list[Line]] = defaultdict(list)
        for line in self.lines["users"]:
            by_process[line["process"]].append(line)
        total = np.zeros(len(self.edges) - 1)
        for lines in by_process.values():
            t = np.array([line["t"] - self.begin for line in lines])
            counts = np.array([0, *(line["count"] for line in lines)])
            total += counts[np.searchsorted(t, self.edges[1:], side="right")]
        return total


def read_run(folder: Path) -> Run:
    """The logs in a folder; raises ValueError where people did nothing."""
    lines: dict[str, list[Line]] = defaultdict(list)
    for path in sorted(folder.glob("people-*.jsonl")):
        for line in _read(path):
            lines[line["kind"]].append(line | {"process": path.stem})
    times = [line["t"] for found in lines.values() for line in found]
    if not times:
        raise ValueError(f"nobody did anything: {folder} has no people-*.jsonl with lines")
    begin = min(times)
    samples = _read(folder / FILE_NAME) if (folder / FILE_NAME).exists() else []
    return Run(lines, _parts(samples, begin), begin, max(times) - begin)


def _read(path: Path) -> list[Line]:
    """Whole lines only: the last of a killed process may be half a line."""
    whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    return [json.loads(line) for line in whole.splitlines()]


def _parts(samples: list[Line], begin: float) -> dict[str, Part]:
    rows: dict[str, list[tuple[float, Line]]] = defaultdict(list)
    for sample in samples:
        for name, values in sample["parts"].items():
            rows[name].append((sample["t"] - begin, values))
    return {
        name: Part(
            np.array([t for t, _ in found]),
            {key: np.array([values[key] for _, values in found]) for key in _WHOLE},
            [values["pids"] for _, values in found],
        )
        for name, found in rows.items()
    }


def summary(run: Run) -> dict[str, Any]:
    """The figures of the whole run."""
    replies, requests = run.lines["reply"], run.lines["request"]
    good = [reply for reply in replies if not reply["error"]]
    ended = [r for r in good if r["end"] != "cancelled" and not r["resumes"]]
    tokens = sum(reply["tokens"] for reply in replies)
    return {
        "seconds": round(run.seconds, 1),
        "users": int(run.users().max(initial=0)),
        "requests": len(requests),
        "requests_per_s": round(len(requests) / run.seconds, 2),
        "replies": len(good),
        "tokens": tokens,
        "tokens_per_s": round(tokens / run.seconds, 1),
        "ttft_ms": _spread(r["ttft_ms"] for r in good),
        "inter_token_p95_ms": _spread(r["gap_p95_ms"] for r in ended),
        "whole_reply_ms": _spread(r["whole_ms"] for r in ended),
        "cancelled": sum(reply["end"] == "cancelled" for reply in replies),
        "resumed": sum(reply["resumes"] > 0 for reply in replies),
        "turned_away": dict(Counter(line["code"] for line in run.lines["turned_away"])),
        "asked_again": len(run.lines["asked_again"]),
        "failed_replies": dict(Counter(r["error"] for r in replies if r["error"])),
        "failed_requests": dict(
            Counter(f"{r['name']}: {r['error']}" for r in requests if r["error"])
        ),
        "transports": dict(sorted(Counter(r["transport"] for r in good).items())),
        "routes": _routes(requests),
        "processes": {name: _part_summary(part) for name, part in sorted(run.parts.items())},
    }


def _routes(requests: list[Line]) -> dict[str, Any]:
    by_name: dict[str, list[float]] = defaultdict(list)
    for request in requests:
        by_name[request["name"]].append(request["ms"])
    return {name: {"count": len(ms), **(_spread(ms) or {})} for name, ms in sorted(by_name.items())}


def _part_summary(part: Part) -> dict[str, Any]:
    cores = (part.columns["cpu_s"][-1] - part.columns["cpu_s"][0]) / max(
        part.t[-1] - part.t[0], 1e-9
    )
    biggest = {
        f"{key}_max": round(float(part.columns[key].max()), 1)
        for key in ("rss_mb", "private_mb", "files", "threads")
    }
    return {"cores": round(float(cores), 3), **biggest}


def _spread(values: Iterable[float | None]) -> dict[str, float] | None:
    found = [value for value in values if value is not None]
    if not found:
        return None
    return {f"p{p}": round(float(np.percentile(found, p)), 1) for p in _PERCENTILES}
