"""Charts as SVG with classes: no script, no inline style, readable without seeing them.

The picture holds only bars and lines, in a field of 100 by 100 that stretches to its place; what is
written around it is HTML, so that it stays readable on phones. The template is
`moderation/chart.html`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

Values = Sequence[float | None]
FIELD = 100.0
LABELS_MAX = 5


@dataclass(frozen=True, slots=True)
class Series:
    """`look`: "a", "b" or "c", the class that gives the colour."""

    name: str
    values: Values
    look: str = "a"


@dataclass(frozen=True, slots=True)
class Chart:
    """`kind`: "bars" (stacked) or "lines". `places` after the decimal point."""

    key: str
    title: str
    about: str
    labels: Sequence[str]
    series: Sequence[Series]
    kind: str = "bars"
    unit: str = ""
    places: int = 0
    empty: str = "Nothing yet"
    total: str = ""

    @property
    def is_empty(self) -> bool:
        return not any(value for one in self.series for value in one.values)

    @property
    def top(self) -> float:
        """The upper end of the scale: a round number above all values."""
        if self.kind == "bars":
            columns = zip(*(one.values for one in self.series), strict=True)
            highest = max((sum(v or 0 for v in column) for column in columns), default=0)
        else:
            highest = max((v or 0 for one in self.series for v in one.values), default=0)
        return _round_up(highest)

    @property
    def scale(self) -> list[str]:
        """What stands at the side, from above: top, half, nothing."""
        half = self.top / 2
        middle = self.number(half) if self.places or half == int(half) else ""
        return [self.number(self.top), middle, "0"]

    @property
    def marks(self) -> list[str]:
        """The labels below, thinned out; "" where none stands."""
        every = ceil(len(self.labels) / LABELS_MAX)
        last = len(self.labels) - 1
        return [label if (last - i) % every == 0 else "" for i, label in enumerate(self.labels)]

    def number(self, value: float | None) -> str:
        return "-" if value is None else f"{value:,.{self.places}f}{self.unit}"

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """The same as a table."""
        columns = zip(*(one.values for one in self.series), strict=True)
        return [
            (label, [self.number(value) for value in values])
            for label, values in zip(self.labels, columns, strict=True)
        ]

    @property
    def picture(self) -> SafeString:
        return self._bars() if self.kind == "bars" else self._lines()

    def _bars(self) -> SafeString:
        wide = FIELD / max(len(self.labels), 1)
        parts: list[tuple[Any, ...]] = []
        for index, label in enumerate(self.labels):
            below = 0.0
            for one in self.series:
                value = one.values[index] or 0
                high = value / self.top * FIELD
                if high:
                    x, y = index * wide + wide * 0.14, FIELD - below - high
                    told = f"{label} · {one.name}: {self.number(value)}"
                    parts.append(
                        (one.look, _n(x), _n(y), _n(wide * 0.72), _n(max(high, 0.6)), told)
                    )
                below += high
        bar = '<rect class="bar {}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>'
        return format_html_join("", bar, parts)

    def _lines(self) -> SafeString:
        wide = FIELD / max(len(self.labels), 1)
        parts: list[tuple[str, str]] = []
        for one in self.series:
            for run in _runs(one.values):
                points = [
                    f"{_n((index + 0.5) * wide)} {_n(FIELD - value / self.top * FIELD)}"
                    for index, value in run
                ]
                is_dot = len(points) == 1
                path = "M" + "L".join(points * 2 if is_dot else points)
                parts.append((f"line {one.look}{' dot' if is_dot else ''}", path))
                if one.look == "a":
                    x = [_n((index + 0.5) * wide) for index, _ in run]
                    parts.append(("area", f"{path}L{x[-1]} 100L{x[0]} 100Z"))
        lines = format_html_join("", '<path class="{}" d="{}"/>', parts)
        return format_html("{}{}", lines, self._columns(wide))

    def _columns(self, wide: float) -> SafeString:
        """Unseen, one over each step: the pointer finds the numbers there."""
        told = (
            (
                _n(index * wide),
                _n(wide),
                f"{label} · "
                + ", ".join(f"{one.name}: {self.number(one.values[index])}" for one in self.series),
            )
            for index, label in enumerate(self.labels)
        )
        column = '<rect class="over" x="{}" y="0" width="{}" height="100"><title>{}</title></rect>'
        return format_html_join("", column, told)


def _runs(values: Values) -> list[list[tuple[int, float]]]:
    """Stretches without a gap: a line is not drawn over what was not measured."""
    runs: list[list[tuple[int, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((index, value))
    return [run for run in runs if run]


def _round_up(value: float) -> float:
    """The next of 1, 2, 4, 5, 6, 8, 10 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next(step * power for step in (1, 2, 4, 5, 6, 8, 10) if step * power >= value * 0.9999)


def _n(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")


def meter(part: float, whole: float, told: str) -> SafeString:
    """A bar that is filled as far as `part` of `whole`; `told` says it in words."""
    share = max(0.0, min(1.0, part / whole if whole else 0.0))
    return format_html(
        '<svg class="meter" role="img" aria-label="{}"><rect class="track" width="100%" '
        'height="100%" rx="5"/><rect class="fill{}" width="{}%" height="100%" rx="5"/></svg>',
        told,
        " hot" if share >= 1 else "",
        _n(share * 100),
    )
