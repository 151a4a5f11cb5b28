"""What a load test says: one dictionary of numbers, as a table, as JSON and as a picture."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from chat.benchmarks.checker import FAULTS
from chat.benchmarks.client import Measured, Plan, Reply
from chat.benchmarks.engine import EngineRun
from chat.benchmarks.idle import IdleCost

_GRACE_MS = 50.0  # what the way from the engine to the client may add to a first token


def summarize(plan: Plan, measured: Measured, cpu_s: Mapping[str, float]) -> dict[str, Any]:
    """All numbers of the stack. Times in milliseconds; rates by what ended in the window."""
    replies = measured.in_window()
    good = [reply for reply in replies if not reply.error]
    tokens = sum(reply.tokens for reply in good)
    messages = sum(reply.messages for reply in good)
    return {
        "clients": plan.clients,
        "seconds": round(measured.seconds, 2),
        "new_tokens": plan.new_tokens,
        "members": plan.members,
        "cores": os.cpu_count(),
        "replies": len(good),
        "tokens": tokens,
        "tokens_per_s": round(tokens / measured.seconds, 1),
        "replies_per_s": round(len(good) / measured.seconds, 2),
        "messages_per_s": round(messages / measured.seconds, 1),
        "tokens_per_message": round(tokens / messages, 2) if messages else None,
        "accepted_ms": _spread(r.accepted - r.sent for r in good if r.accepted is not None),
        "queued_ms": _spread(r.queued_s for r in good if r.queued_s is not None),
        "ttft_ms": _spread(r.first - r.sent for r in good if r.first is not None),
        "worker_ttft_ms": _spread(r.served_s for r in good if r.served_s is not None),
        "message_gap_ms": _spread(gap for r in good for gap in r.gaps),
        "token_gap_ms": _spread(_token_gap(r) for r in good if r.tokens > 1),
        "reply_ms": _spread(r.ended - r.sent for r in good if r.ended is not None),
        "checked_replies": sum(not r.error for r in measured.replies),
        "errors": dict(Counter(r.error for r in measured.replies if r.error)),
        "faults": _faults(measured.replies),
        "cpu": {name: _cpu(used, measured.seconds, tokens) for name, used in cpu_s.items()},
    }


def compare(stack: dict[str, Any], runs: list[EngineRun]) -> dict[str, Any]:
    """The stack beside the bare engine that ran before and after it."""
    tokens_per_s = float(np.mean([run.tokens_per_s for run in runs]))
    step_ms = float(np.mean([run.step_ms for run in runs]))
    prefill_ms = float(np.mean([run.prefill_ms for run in runs]))
    allowed_ms = 3 * step_ms + prefill_ms
    ttft = stack["ttft_ms"]
    return {
        "runs": [asdict(run) for run in runs],
        "tokens_per_s": round(tokens_per_s, 1),
        "stack_to_engine": round(stack["tokens_per_s"] / tokens_per_s, 3),
        "step_ms": round(step_ms, 2),
        "prefill_ms": round(prefill_ms, 2),
        "ttft_p95_over_ms": round(ttft["p95"] - allowed_ms, 1) if ttft else None,
        "ttft_p95_over_allowed_ms": _GRACE_MS,
    }


def compare_idle(alone: dict[str, Any], beside: dict[str, Any], cost: IdleCost) -> dict[str, Any]:
    """The same load beside idle sockets to without them, as ratios; and what a socket costs."""

    def ratio(name: str, *keys: str) -> float | None:
        first, second = alone[name], beside[name]
        for key in keys:
            first, second = (first or {}).get(key), (second or {}).get(key)
        return round(second / first, 3) if first and second else None

    return {
        "sockets": cost.sockets,
        "web_kib_per_socket": round(cost.bytes_per_socket / 1024, 1),
        "tokens_per_s": ratio("tokens_per_s"),
        "ttft_p50": ratio("ttft_ms", "p50"),
        "ttft_p95": ratio("ttft_ms", "p95"),
        "token_gap_p50": ratio("token_gap_ms", "p50"),
        "token_gap_p95": ratio("token_gap_ms", "p95"),
    }


def _spread(seconds: Iterable[float]) -> dict[str, float] | None:
    values = np.fromiter(seconds, float)
    if not values.size:
        return None
    p50, p95 = np.percentile(values * 1e3, [50, 95])
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2)}


def _token_gap(reply: Reply) -> float:
    """Seconds a token after the first one; one value a reply."""
    return ((reply.last or 0.0) - (reply.first or 0.0)) / (reply.tokens - 1)


def _faults(replies: list[Reply]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for reply in replies:
        total.update(reply.check.faults)
    return {name: total[name] for name in FAULTS}


def _cpu(used_s: float, seconds: float, tokens: int) -> dict[str, float | None]:
    return {
        "cores": round(used_s / seconds, 3),
        "us_per_token": round(used_s * 1e6 / tokens, 1) if tokens else None,
    }


def table(numbers: dict[str, Any]) -> str:
    """The numbers for a terminal."""
    n = numbers
    length = f"{n['new_tokens']} tokens each" if n["new_tokens"] else "of natural length"
    per_message = f"{n['messages_per_s']} messages/s ({n['tokens_per_message']} tokens a message)"
    lines = [
        f"{n['clients']} clients, {n['seconds']} s, replies {length}, {n['cores']} cores",
        f"  {n['tokens_per_s']} tokens/s, {n['replies_per_s']} replies/s, {per_message}",
        f"  {'':26}{'p50':>10}{'p95':>10}",
    ]
    lines += [
        _row(title, n[name])
        for title, name in (
            ("accepted, ms", "accepted_ms"),
            ("waited for a worker, ms", "queued_ms"),
            ("first token (TTFT), ms", "ttft_ms"),
            ("- until the worker had it", "worker_ttft_ms"),
            ("between messages, ms", "message_gap_ms"),
            ("between tokens, ms", "token_gap_ms"),
            ("whole reply, ms", "reply_ms"),
        )
    ]
    lines.append(f"  errors: {_counts(n['errors'])}; {n['checked_replies']} replies checked:")
    lines.append(f"  {_counts(n['faults'])}")
    if n["cpu"]:
        lines.append(f"  {'CPU':26}{'cores':>10}{'us/token':>10}")
        lines += [
            f"  {name:26}{cpu['cores']:>10.3f}{cpu['us_per_token'] or 0:>10.1f}"
            for name, cpu in sorted(n["cpu"].items(), key=lambda item: -item[1]["cores"])
        ]
    if idle := n.get("idle"):
        cost = f"{idle['web_kib_per_socket']} KiB of web memory each"
        lines.append(f"  beside {idle['sockets']} idle sockets, {cost}; to without them:")
        names = ("tokens_per_s", "ttft_p50", "ttft_p95", "token_gap_p50", "token_gap_p95")
        lines.append("    " + ", ".join(f"{name} x {idle[name]}" for name in names))
    if n.get("worker_memory_mb"):
        lines.append(f"  worker's memory: {n['worker_memory_mb']} MB")
    return "\n".join(lines + _engine_lines(n))


def _row(title: str, spread: dict[str, float] | None) -> str:
    p50, p95 = (f"{spread['p50']:.1f}", f"{spread['p95']:.1f}") if spread else ("-", "-")
    return f"  {title:26}{p50:>10}{p95:>10}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"


def _engine_lines(numbers: dict[str, Any]) -> list[str]:
    if not (engine := numbers.get("engine")):
        return []
    paces = " and ".join(f"{run['tokens_per_s']:.0f}" for run in engine["runs"])
    waits = " and ".join(f"{run['ttft_p95_ms']:.0f}" for run in engine["runs"])
    costs = " and ".join(f"{run['cpu_us_per_token']:.0f}" for run in engine["runs"])
    streams = engine["runs"][0]["streams"]
    goal = f"goal: below {engine['ttft_p95_over_allowed_ms']:.0f} where slots are free"
    return [
        f"bare engine, {streams} streams, before and after: {paces} tokens/s, {costs} us/token",
        f"  a decode step {engine['step_ms']} ms, a prefill {engine['prefill_ms']} ms",
        f"  TTFT p95: {waits} ms",
        f"  stack / engine: {engine['stack_to_engine']:.1%} of its tokens/s",
        f"  TTFT p95 - (3 steps + prefill): {engine['ttft_p95_over_ms']} ms ({goal})",
    ]


def write_json(numbers: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")


def write_png(numbers: dict[str, Any], measured: Measured, path: Path) -> None:
    """Where the CPU went, and how long first tokens took. Needs matplotlib."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    parts = sorted(numbers["cpu"].items(), key=lambda item: item[1]["cores"])
    left.barh([name for name, _ in parts], [cpu["cores"] for _, cpu in parts])
    left.set_xlabel("CPU cores")
    first = [r.first - r.sent for r in measured.in_window() if r.first is not None]
    right.ecdf(np.array(first) * 1e3)
    right.set_xlabel("time to first token, ms")
    right.set_ylabel("share of replies")
    figure.suptitle(f"{numbers['clients']} clients: {numbers['tokens_per_s']} tokens/s")
    figure.savefig(path)
