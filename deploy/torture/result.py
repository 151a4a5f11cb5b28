"""A run in numbers: a row for each fault, recovery times, goals, everything that was wrong."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from deploy.torture.answers import Answer
from deploy.torture.faults import Fault, Mark
from deploy.torture.verdict import DOUBLED, FOREIGN, HUNG, LOST, PROBLEMS, Judged

WORKER_GOAL_S = 5.0


@dataclass
class FaultRow:
    """One line of the table; times in seconds, None where nobody was interrupted."""

    name: str
    at_s: float
    prompts: int = 0
    answered: int = 0
    interrupted: int = 0
    continued: int = 0
    restarted: int = 0
    refused: int = 0
    clear_failure: int = 0
    lost: int = 0
    doubled: int = 0
    foreign: int = 0
    hung: int = 0
    recovery_p50_s: float | None = None
    recovery_p95_s: float | None = None
    recovery_max_s: float | None = None
    goal: str = ""
    recoveries_s: list[float] = field(default_factory=list)


@dataclass
class Result:
    """What the report shows and what decides the exit code."""

    seed: int
    clients: int
    seconds: float
    rows: list[FaultRow]
    transports: dict[str, int]
    failure_codes: dict[str, int]
    refusal_codes: dict[str, int]
    repeated_questions: int
    conversations_read: int
    streams_read: int
    words_per_s: list[float]
    unexpected_exits: list[str]
    complaints: list[str]
    seen: list[str] = field(default_factory=list)  # measured besides

    def total(self, name: str) -> int:
        return sum(int(getattr(row, name)) for row in self.rows)

    @property
    def is_good(self) -> bool:
        return not self.complaints and not any(self.total(name) for name in PROBLEMS)

    def to_dict(self) -> dict[str, Any]:
        return {"is_good": self.is_good, **asdict(self)}


def fault_rows(judged: Sequence[Judged], faults: Sequence[Fault], start: float) -> list[FaultRow]:
    """The table."""
    return [_row([one for one in judged if one.fault is f], f, judged, start) for f in faults]


def _row(own: Sequence[Judged], fault: Fault, judged: Sequence[Judged], start: float) -> FaultRow:
    row = FaultRow(fault.name, round(fault.began - start, 1), prompts=len(own))
    row.answered = sum(one.is_answered for one in own)
    row.clear_failure = sum(one.is_clear_failure for one in own)
    row.restarted = sum(one.answer.restarts > 0 for one in own)
    row.refused = sum(one.answer.refusals.total() for one in own)
    for problem in (LOST, DOUBLED, FOREIGN, HUNG):
        setattr(row, problem, sum(one.problems[problem] > 0 for one in own))
    good = {id(one.answer) for one in judged if one.is_answered and not one.answer.restarts}
    hit = {id(a) for mark in fault.marks for a in mark.answers}
    row.interrupted, row.continued = len(hit), len(hit & good)
    row.recoveries_s = sorted(
        round(s, 3)
        for m in fault.marks
        for a in m.answers
        if a.end == "done" and (s := recovery_s(a, m)) is not None
    )
    if row.recoveries_s:
        row.recovery_p50_s = percentile(row.recoveries_s, 0.5)
        row.recovery_p95_s = percentile(row.recoveries_s, 0.95)
        row.recovery_max_s = row.recoveries_s[-1]
    row.goal = _goal(fault, row)
    return row


def recovery_s(answer: Answer, mark: Mark) -> float | None:
    """From the harm to the next word, or to the end."""
    return next((word - mark.at for word in answer.words if word > mark.at), None)


def _goal(fault: Fault, row: FaultRow) -> str:
    """Whether recovery was as quick as we want it; told, not enforced: machines differ."""
    if not row.recoveries_s:
        return ""
    if fault.planned.goal == "worker":
        within = sum(s <= WORKER_GOAL_S for s in row.recoveries_s)
        verdict = "met" if within == len(row.recoveries_s) else "missed"
        return f"within {WORKER_GOAL_S:g} s: {verdict} ({within} of {len(row.recoveries_s)})"
    if fault.planned.goal == "web":
        needed = [_connections(a, m) for m in fault.marks for a in m.answers if a.can_resume]
        within = sum(count <= 1 for count in needed)
        verdict = "met" if within == len(needed) else "missed"
        return f"within one reconnect: {verdict} ({within} of {len(needed)})"
    return ""


def _connections(answer: Answer, mark: Mark) -> int:
    """Connections that were asked for this answer between the harm and its next word."""
    word = next((w for w in answer.words if w > mark.at), math.inf)
    return sum(mark.at < c < word for c in answer.connected)


def percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(math.ceil(share * len(ordered)), len(ordered)) - 1]


def words_per_second(judged: Sequence[Judged], start: float, end: float) -> list[float]:
    """Token events of all clients, second by second."""
    counts = [0.0] * (int(end - start) + 1)
    for one in judged:
        for word in one.answer.words:
            if start <= word <= end:
                counts[int(word - start)] += 1
    return counts


def repeated_questions(judged: Sequence[Judged]) -> int:
    """Answers that could be compared with another answer to the same question."""
    keys = Counter(one.answer.prompt.key for one in judged if one.answer.end == "done")
    return sum(count for count in keys.values() if count > 1)


def codes(judged: Sequence[Judged]) -> tuple[Counter[str], Counter[str]]:
    """Error codes of clear ends, and of refusals after which the client tried again."""
    ends = Counter(one.answer.code for one in judged if one.answer.end == "error")
    refusals: Counter[str] = Counter()
    for one in judged:
        refusals.update(one.answer.refusals)
    return ends, refusals
