"""A result as text for the terminal and as one HTML page that needs nothing from outside."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path

from deploy.torture.result import FaultRow, Result

_TEMPLATE = Path(__file__).with_name("report.html")
COLUMNS = (
    "prompts", "answered", "interrupted", "continued", "restarted", "refused",
    "clear failure", "lost", "doubled", "foreign", "hung",
)  # fmt: skip
_BAD = {"lost", "doubled", "foreign", "hung"}
_WIDTH, _HEIGHT, _BASE = 1000, 190, 150


def table(result: Result) -> str:
    """The table, the goals and every complaint."""
    head = ["fault", *COLUMNS, "p50 s", "p95 s"]
    body = [[row.name, *map(str, _counts(row)), *_times(row)] for row in result.rows]
    body.append(["all", *(str(result.total(_field(c))) for c in COLUMNS), "", ""])
    lines = _aligned([head, *body])
    lines += [f"{row.name}: continuation {row.goal}" for row in result.rows if row.goal]
    lines += [f"{name}: {text}" for name, text in _facts(result)]
    lines += ["", *(f"WRONG: {complaint}" for complaint in result.complaints)]
    return "\n".join([*lines, "", _verdict(result)])


def page(result: Result) -> str:
    """The same with a picture."""
    good = "good" if result.is_good else "bad"
    values = {
        "VERDICT": escape(_verdict(result)),
        "STATE": good,
        "TILES": _tiles(result),
        "PICTURE": _picture(result),
        "HEAD": "".join(f"<th>{escape(name)}</th>" for name in (*COLUMNS, "p50", "p95")),
        "ROWS": "".join(map(_html_row, result.rows)),
        "GOALS": _items(f"{r.name}: continuation {r.goal}" for r in result.rows if r.goal),
        "FACTS": _items(f"{name}: {text}" for name, text in _facts(result)),
        "WRONG": _items(result.complaints) or "<li>Nothing.</li>",
    }
    html = _TEMPLATE.read_text(encoding="utf-8")
    for name, value in values.items():
        html = html.replace(f"{{{{{name}}}}}", value)
    return html


def _field(column: str) -> str:
    return column.replace(" ", "_")


def _counts(row: FaultRow) -> list[int]:
    return [int(getattr(row, _field(column))) for column in COLUMNS]


def _times(row: FaultRow) -> list[str]:
    return ["" if t is None else f"{t:.2f}" for t in (row.recovery_p50_s, row.recovery_p95_s)]


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    ]


def _verdict(result: Result) -> str:
    prompts = result.total("prompts")
    if result.is_good:
        return f"PASSED: {prompts} prompts, each one answer or a clear failure."
    return f"FAILED: {prompts} prompts, {len(result.complaints)} complaints."


def _facts(result: Result) -> list[tuple[str, str]]:
    def counts(some: dict[str, int]) -> str:
        return ", ".join(f"{name} {count}" for name, count in sorted(some.items())) or "none"

    return [
        ("run", f"seed {result.seed}, {result.clients} clients, {result.seconds:.0f} s"),
        ("prompts by transport", counts(result.transports)),
        ("clear failures", counts(result.failure_codes)),
        ("refused, then tried again", counts(result.refusal_codes)),
        ("answers compared with another to the same question", str(result.repeated_questions)),
        ("conversations read back", str(result.conversations_read)),
        ("guests' streams read back", str(result.streams_read)),
        ("processes that ended by themselves", ", ".join(result.unexpected_exits) or "none"),
        *(("seen", said) for said in result.seen),
    ]


def _items(lines: Iterable[str]) -> str:
    return "".join(f"<li>{escape(line)}</li>" for line in lines)


def _tiles(result: Result) -> str:
    tiles = [(name, result.total(_field(name))) for name in COLUMNS if name != "refused"]
    return "".join(
        f'<div class="tile{" alarm" if name in _BAD and count else ""}">'
        f"<b>{count}</b><span>{escape(name)}</span></div>"
        for name, count in tiles
    )


def _html_row(row: FaultRow) -> str:
    cells = "".join(
        f'<td class="{_class(name, count)}">{count}</td>'
        for name, count in zip(COLUMNS, _counts(row), strict=True)
    )
    times = "".join(f"<td>{time}</td>" for time in _times(row))
    return f"<tr><th>{escape(row.name)}</th>{cells}{times}</tr>"


def _class(column: str, count: int) -> str:
    if not count:
        return "zero"
    return "alarm" if column in _BAD else ""


def _picture(result: Result) -> str:
    """Words a second over the run, with a line at each fault."""
    words = result.words_per_s or [0.0]
    top = max(*words, 1.0)
    step = _WIDTH / len(words)
    points = " ".join(
        f"{i * step:.1f},{_BASE - w / top * (_BASE - 20):.1f}" for i, w in enumerate(words)
    )
    marks = "".join(_mark(row, n, row.at_s * step) for n, row in enumerate(result.rows))
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Words a second">'
        f'<polygon points="0,{_BASE} {points} {_WIDTH},{_BASE}"/>{marks}'
        f'<text x="4" y="14">{top:.0f} words/s</text></svg>'
    )


def _mark(row: FaultRow, number: int, x: float) -> str:
    return (
        f"<g><title>{escape(row.name)}</title>"
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="18" y2="{_BASE}"/>'
        f'<text x="{x + 3:.1f}" y="{_BASE + 18}">{number + 1}</text></g>'
    )
