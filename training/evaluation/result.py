"""What a measure gives back: rows of the one table, and every case that failed. Knows no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `value` None means not measured; `note` then says why."""

    label: str
    value: float | None
    form: str = "percent"  # percent | number
    goal: str = ""  # ">= 0.85", "< 0.02": compared by `is_reached`
    note: str = ""

    @property
    def is_reached(self) -> bool | None:
        """Whether the goal is met; None without a goal or without a value."""
        if not self.goal or self.value is None:
            return None
        sign, limit = self.goal.split()
        return self.value >= float(limit) if sign == ">=" else self.value < float(limit)


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that did not pass: what the model was asked, what would do, what it wrote."""

    case: str
    expected: str
    reply: str


@dataclass(frozen=True, slots=True)
class Measure:
    rows: list[Row]
    failures: list[Failure] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)


def share(passed: list[bool]) -> float | None:
    """The share of True; None for nothing at all."""
    return sum(passed) / len(passed) if passed else None
