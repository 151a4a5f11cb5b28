"""The rule, applied to every prompt: one answer that equals what is stored, or a clear failure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from deploy.torture.answers import Answer
from deploy.torture.faults import Fault
from deploy.torture.stored import Row

LOST, DOUBLED, FOREIGN, HUNG = "lost", "doubled", "foreign", "hung"
PROBLEMS = (LOST, DOUBLED, FOREIGN, HUNG)
# What an order that is not the stream's looks like to the reader.
_AS = {"lost": LOST, "doubled": DOUBLED, "reordered": DOUBLED, "cursor_back": DOUBLED}
# An end with one of these tells the person nothing they could do.
_UNCLEAR = {"internal", "not_found", "no code"}


@dataclass
class Judged:
    """An answer and what is wrong with it; `fault` is the row it belongs to."""

    answer: Answer
    fault: Fault
    problems: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def blame(self, problem: str, note: str) -> None:
        self.problems[problem] += 1
        self.notes.append(f"{problem}: {note}")

    @property
    def is_answered(self) -> bool:
        return self.answer.end == "done" and not self.problems

    @property
    def is_clear_failure(self) -> bool:
        return self.answer.end == "error" and not self.problems


class Stored:
    """The rows, by generation and by the name that the client gave."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.by_id: dict[str, Row] = {}
        self.by_name: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in rows:
            self.by_id[row.id] = row
            self.by_name[row.member, row.client_id].append(row)


def judge(
    answers: Sequence[Answer], members: dict[str, str], faults: Sequence[Fault], stored: Stored
) -> list[Judged]:
    """Judge every answer. `members` gives the user name of a client that has one."""
    texts = Counter(a.done_text for a in answers if a.end == "done")
    judged = []
    for answer in answers:
        one = Judged(answer, _fault_of(answer, faults))
        one.notes += answer.notes
        _judge_order(one, texts)
        _judge_end(one, members.get(answer.client, ""), stored)
        judged.append(one)
    _judge_repeats(judged)
    return judged


def unknown_guests(answers: Iterable[Answer], stored: Stored) -> list[Row]:
    """Guests' generations that no client knows: a prompt that was taken twice."""
    known = {a.generation for a in answers}
    return [r for r in stored.by_id.values() if not r.member and r.id not in known]


def _fault_of(answer: Answer, faults: Sequence[Fault]) -> Fault:
    """The last fault that began before the answer ended."""
    begun = [f for f in faults if answer.ended is None or f.began <= answer.ended]
    return begun[-1] if begun else faults[0]


def _judge_order(one: Judged, texts: Counter[str]) -> None:
    answer = one.answer
    for name, problem in _AS.items():
        if answer.faults[name]:
            one.blame(problem, f"{answer.faults[name]} events {name}")
    if answer.faults["text_differs"]:
        seen, said = answer.text, answer.done_text
        if seen and seen in texts:
            one.blame(FOREIGN, f"read {seen!r}, the end says {said!r}")
        else:
            problem = LOST if len(seen) < len(said) else DOUBLED
            one.blame(problem, f"read {seen!r}, the end says {said!r}")


def _judge_end(one: Judged, member: str, stored: Stored) -> None:
    answer = one.answer
    if not answer.is_over:
        one.blame(
            HUNG,
            f"no end; generation {answer.generation or 'never accepted'}, asked over "
            f"{len(answer.connected)} connections, {len(answer.words)} words, "
            f"refused {dict(answer.refusals)}",
        )
        return
    if member:
        _judge_count(one, stored.by_name[member, answer.prompt.client_id])
    row = stored.by_id.get(answer.generation)
    if answer.end == "done":
        _judge_done(one, row, member)
    elif answer.code in _UNCLEAR or answer.code.startswith("http_"):
        one.blame(LOST, f"it ended with {answer.code}; the row: {row and row.status}")
    elif (
        answer.can_resume
        and row is not None
        and (row.status, row.error_code) != ("failed", answer.code)
    ):
        one.blame(LOST, f"told {answer.code}, stored {row.status} {row.error_code}")


def _judge_count(one: Judged, rows: list[Row]) -> None:
    answer = one.answer
    if len(rows) > 1:
        one.blame(DOUBLED, f"{len(rows)} generations for one prompt")
    elif rows and not answer.generation:
        one.blame(LOST, f"refused with {answer.code}, but stored {rows[0].status}")
    elif not rows and answer.generation:
        one.blame(LOST, "accepted, but nothing is stored under its name")


def _judge_done(one: Judged, row: Row | None, member: str) -> None:
    answer = one.answer
    if row is None:
        one.blame(LOST, "answered, but there is no row")
    elif row.status not in ("completed", "cancelled"):
        one.blame(LOST, f"answered, but stored as {row.status} {row.error_code}")
    elif member and row.text != answer.done_text:
        one.blame(LOST, f"told {answer.done_text!r}, stored {row.text!r}")
    elif member and row.prompt != answer.prompt.question.text:
        one.blame(FOREIGN, f"it answers {row.prompt!r}")


def _judge_repeats(judged: Iterable[Judged]) -> None:
    """The same question with the same seed has the same answer, whatever happened on the way."""
    groups: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        if one.answer.end == "done":
            groups[one.answer.prompt.key].append(one)
    for group in groups.values():
        texts = Counter(one.answer.done_text for one in group)
        usual = texts.most_common(1)[0][0]
        for one in group:
            if one.answer.done_text != usual:
                told = one.answer.done_text
                one.blame(FOREIGN, f"others got {usual!r} for this question, this one {told!r}")
