"""The measured numbers as Markdown tables; docs/scaling.md quotes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Numbers = dict[str, Any]

_PACE = ("tokens/s", "TTFT ms p50", "p95", "ms a token p50")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    lines = [_row(head), "|" + "|".join(["---"] + ["--:"] * (len(head) - 1)) + "|"]
    return "\n".join(lines + [_row(row) for row in rows])


def markdown(results: Numbers) -> str:
    """All tables of what was measured, in the order of the experiments."""
    parts = []
    for name, write in _WRITERS.items():
        if results.get(name):
            parts += [f"## {write.__doc__}", write(results[name])]
    return "\n\n".join(parts) + "\n"


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _clients(found: Numbers) -> str:
    """Clients: one worker, more and more sockets"""
    head = ("clients", *_PACE, "web, share of CPU")
    return table(head, ([p["clients"], *_pace(p), _web(p)] for p in found["points"]))


def _workers(found: Numbers) -> str:
    """Workers and threads: the same load"""
    head = ("workers x threads", *_PACE, "workers' cores")
    rows = (
        [f"{p['workers']} x {p['threads']}", *_pace(p), _cores(p, "worker")]
        for p in found["points"]
    )
    return table(head, rows)


def _two_workers(found: Numbers) -> str:
    """Two workers to one, each with a core of its own"""
    head = ("who has the core", "one, tokens/s", "two, tokens/s", "ratio", "lowest", "highest")
    titles = {
        "own": f"{found['share_of_core']:.0%} of a core each, from the queue",
        "sockets": f"{found['share_of_core']:.0%} of a core each, the whole chain",
        "shared": "a core each, shared with everything else",
    }
    rows = []
    for name, title in titles.items():
        if part := found.get(name):
            one, two = (_mean(part[key], "tokens_per_s") for key in ("one", "two"))
            rows.append([title, one, two, part["ratio"], part["ratio_min"], part["ratio_max"]])
            one, two = (_mean(part[key], "tokens_per_worker_cpu_s") for key in ("one", "two"))
            rows.append(
                ["… tokens a second of workers' CPU", one, two, two / one if one else 0, "", ""]
            )
    return table(head, rows)


def _parts(found: Numbers) -> str:
    """Parts: CPU microseconds a token, Valkey and PostgreSQL"""
    short, long = found["short"], found["long"]
    names = ("worker", "web", "postgres", "valkey", "jobs", "beat", "client")
    rows: list[list[object]] = [[name, _us(short, name), _us(long, name)] for name in names]
    rows += [
        [f"Valkey: {what} a token", short["valkey_per_token"][what], long["valkey_per_token"][what]]
        for what in short["valkey_per_token"]
    ]
    rows += [
        [f"PostgreSQL: {what} a reply", value, long["database_per_reply"][what]]
        for what, value in short["database_per_reply"].items()
    ]
    rows.append(["web, share of all CPU", found["share_short"], found["share_long"]])
    text = (
        f"The web process: {found['us_per_reply']:,} us a reply and {found['us_per_token']} us a"
        f" token; a token that it has no reader of costs it {found['us_per_token_of_others']} us."
    )
    return table(("us of CPU a token", "short replies", "long replies"), rows) + "\n\n" + text


def _memory(found: Numbers) -> str:
    """Memory"""
    rows: list[list[object]] = [
        [f"worker, {w['slots']} slots, all used, MB", w["used_bytes"] / 1e6]
        for w in found["workers"]
    ]
    rows.append(["one more slot, KiB", found["bytes_per_slot"] / 1024])
    rows.append(["one idle socket in the web process, KiB", found["bytes_per_socket"] / 1024])
    return table(("", ""), rows)


def _balance(found: Numbers) -> str:
    """Balance: who has the replies"""
    rows = [
        [name, " : ".join(map(str, found[name]["running"])), *_pace(found[name])]
        for name in ("equal", "unequal")
        if name in found
    ]
    head = ("workers", "replies running", *_PACE)
    return table(head, rows)


def _servers(found: Numbers) -> str:
    """Servers alone"""
    rows: list[list[object]] = [[f"Valkey: {n}", v] for n, v in found["valkey"].items()]
    rows += [[f"PostgreSQL: {n}", v] for n, v in found["postgres"].items()]
    return table(("", ""), rows)


_WRITERS = {
    "clients": _clients,
    "workers": _workers,
    "two_workers": _two_workers,
    "web": _parts,
    "memory": _memory,
    "balance": _balance,
    "servers": _servers,
}


def _pace(point: Numbers) -> list[object]:
    ttft, gap = point["ttft_ms"] or {}, point["token_gap_ms"] or {}
    return [point["tokens_per_s"], ttft.get("p50", "-"), ttft.get("p95", "-"), gap.get("p50", "-")]


def _web(point: Numbers) -> str:
    cores = {n: v for n, v in point.get("cores", {}).items() if n != "client"}
    return f"{cores['web'] / sum(cores.values()):.1%}" if cores else "-"


def _cores(point: Numbers, part: str) -> float:
    cores: dict[str, float] = point.get("cores", {})
    return round(sum(v for name, v in cores.items() if name.startswith(part)), 2)


def _us(point: Numbers, part: str) -> float:
    """CPU microseconds a token of all processes of a part but a second web process."""
    us: dict[str, float] = point["cpu_us_per_token"]
    names = [name for name in us if name == part or (part == "worker" and name.startswith(part))]
    return round(sum(us[name] for name in names), 1)


def _mean(points: Sequence[Numbers], name: str) -> float:
    return float(sum(point[name] for point in points)) / len(points)
