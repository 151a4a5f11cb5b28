"""The judge of `make torture` sees what it is there to see."""

from collections.abc import Sequence

import pytest

from deploy.torture.answers import Answer
from deploy.torture.faults import Fault, Mark, Planned, calm
from deploy.torture.prompts import Prompt, Question, Script, question_pool
from deploy.torture.result import fault_rows
from deploy.torture.stored import Row
from deploy.torture.verdict import Judged, Stored, judge, unknown_guests

GENERATION = "6f9f1c38-0000-4000-8000-000000000001"
USAGE = {"usage": {"completion_tokens": 2}, "finish_reason": "stop"}
NO_FAULT = Planned("no fault", calm, 0)


def new_answer(client: str = "guest", client_id: str = "c1", text: str = "hi") -> Answer:
    prompt = Prompt(client_id, Question(text, {"seed": 1}))
    answer = Answer(prompt, client=client, transport="guest socket")
    answer.accept(GENERATION, None)
    return answer


def feed(answer: Answer, tokens: Sequence[tuple[int, str]], done: str | None) -> Answer:
    answer.take("started", "1-0", {}, 1.0)
    for at, (seq, text) in enumerate(tokens):
        answer.take("token", f"{2 + at}-0", {"seq": seq, "text": text}, 2.0 + at)
    if done is not None:
        answer.take("done", "99-0", {"text": done, **USAGE}, 99.0)
    return answer


def row(answer: Answer, text: str = "", status: str = "completed", **more: str) -> Row:
    member = more.get("member", "")
    return Row(
        answer.generation, member, answer.prompt.client_id, status, more.get("code", ""), None,
        text, answer.prompt.question.text, 1,
    )  # fmt: skip


def judged(answer: Answer, *rows: Row, member: str = "") -> Judged:
    members = {answer.client: member} if member else {}
    (one,) = judge([answer], members, [Fault(NO_FAULT, 0.0)], Stored(rows))
    return one


WHOLE = [(0, "one "), (1, "two")]


def test_a_whole_answer_is_right() -> None:
    answer = feed(new_answer(), WHOLE, "one two")
    assert judged(answer, row(answer)).is_answered
    member = feed(new_answer("m"), WHOLE, "one two")
    assert judged(member, row(member, "one two", member="m"), member="m").is_answered


@pytest.mark.parametrize(
    ("tokens", "problem"),
    [
        ([(0, "one ")], "lost"),
        ([(0, "one "), (2, "two")], "lost"),
        ([(0, "one "), (0, "one "), (1, "two")], "doubled"),
        ([(0, "one "), (1, "two"), (1, "two")], "doubled"),
    ],
)
def test_gaps_and_repeats_are_seen(tokens: list[tuple[int, str]], problem: str) -> None:
    answer = feed(new_answer(), tokens, "one two")
    assert judged(answer, row(answer)).problems[problem]


def test_a_second_start_voids_what_was_read() -> None:
    answer = feed(new_answer(), [(0, "one ")], None)
    feed(answer, WHOLE, "one two")
    assert judged(answer, row(answer)).is_answered
    assert answer.restarts == 1


def test_events_after_the_end_are_a_second_answer() -> None:
    answer = feed(new_answer(), WHOLE, "one two")
    answer.take("done", "99-0", {"text": "one two", **USAGE}, 100.0)
    assert judged(answer, row(answer)).problems["doubled"]


def test_another_generation_for_the_same_prompt_is_a_second_answer() -> None:
    answer = feed(new_answer(), WHOLE, "one two")
    answer.accept("6f9f1c38-0000-4000-8000-000000000002", None)
    assert judged(answer, row(answer)).problems["doubled"]


def test_what_is_stored_must_be_what_was_told() -> None:
    answer = feed(new_answer("m"), WHOLE, "one two")
    assert judged(answer, row(answer, "one", member="m"), member="m").problems["lost"]
    assert judged(answer, row(answer, status="running")).problems["lost"]
    assert judged(answer).problems["lost"]
    twice = [row(answer, "one two", member="m")] * 2
    assert judged(answer, *twice, member="m").problems["doubled"]


def test_a_failure_is_clear_when_the_row_says_the_same() -> None:
    answer = new_answer()
    answer.refuse({"code": "worker_lost"}, 5.0)
    assert judged(answer, row(answer, status="failed", code="worker_lost")).is_clear_failure
    assert judged(answer, row(answer)).problems["lost"]
    unclear = new_answer()
    unclear.refuse({"code": "internal"}, 5.0)
    assert judged(unclear, row(unclear, status="failed", code="internal")).problems["lost"]


def test_a_refusal_is_no_end() -> None:
    answer = new_answer()
    assert answer.refuse({"code": "queue_full", "retry_after": 3}, 5.0) == 3
    assert not answer.is_over
    assert judged(answer).problems["hung"]


def test_two_answers_to_one_question_are_compared() -> None:
    answers = [feed(new_answer(client_id=f"c{n}"), WHOLE, "one two") for n in range(2)]
    answers.append(feed(new_answer(client_id="c3"), [(0, "three")], "three"))
    rows = Stored([row(answers[0])])
    faulty = [one for one in judge(answers, {}, [Fault(NO_FAULT, 0.0)], rows) if one.problems]
    assert [one.answer for one in faulty] == [answers[2]]
    assert faulty[0].problems["foreign"]


def test_a_guest_row_that_nobody_knows_is_seen() -> None:
    answer = new_answer()
    other = Row("6f9f1c38-0000-4000-8000-000000000009", "", "x", "completed", "", None, "", "", 1)
    assert unknown_guests([answer], Stored([row(answer), other])) == [other]


def test_recovery_counts_from_the_fault_to_the_next_word() -> None:
    answer = feed(new_answer(), WHOLE, "one two")  # words at 2, 3 and 99
    fault = Fault(Planned("worker", calm, 0, goal="worker"), 2.5, [Mark(2.5, [answer])])
    ones = judge([answer], {}, [fault], Stored([row(answer)]))
    (line,) = fault_rows(ones, [fault], 0.0)
    assert (line.prompts, line.interrupted, line.continued) == (1, 1, 1)
    assert line.recoveries_s == [0.5]
    assert line.goal == "within 5 s: met (1 of 1)"


def test_the_same_seed_asks_the_same() -> None:
    def asked(seed: int) -> list[Question]:
        script = Script(seed, "guest-1", question_pool(seed))
        return [script.question() for _ in range(20)]

    assert asked(1) == asked(1)
    assert asked(1) != asked(2)
