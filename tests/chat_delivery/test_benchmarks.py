"""bench_chat: its checker finds what it is there to find, and a real run finds nothing."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chat.benchmarks.checker import FAULTS, ReplyCheck
from chat.benchmarks.client import Plan, nth_prompt
from chat.benchmarks.engine import EngineRun
from chat.benchmarks.report import compare
from chat.management.commands.bench_chat import PROMPTS
from deploy.local.paths import ROOT
from tests.support.stack import Stack

Message = dict[str, Any]
Doctor = Callable[[list[Message]], None]

PARTS = {"web", "worker", "jobs", "beat", "valkey", "postgres", "client"}


def reply() -> list[Message]:
    """The messages of a good reply of six tokens."""
    tokens: list[Message] = [
        {
            "type": "token", "id": f"1700000000000-{n}", "seq": n - 1, "text": f" w{n}",
            "logprobs": [{"id": 7, "logprob": -1.0, "top": []}],
        }
        for n in range(1, 7)
    ]  # fmt: skip
    text = "".join(message["text"] for message in tokens)
    return [*tokens, {"type": "done", "text": text, "usage": {"completion_tokens": 6}}]


def faults(messages: list[Message], expected_tokens: int | None = 6) -> dict[str, int]:
    check = ReplyCheck(expected_tokens)
    for message in messages:
        (check.done if message["type"] == "done" else check.token)(message)
    return dict(check.faults)


def lose(messages: list[Message]) -> None:
    del messages[2]


def lose_the_last(messages: list[Message]) -> None:
    del messages[5]


def double(messages: list[Message]) -> None:
    messages.insert(3, messages[2])


def reorder(messages: list[Message]) -> None:
    messages[2], messages[3] = messages[3], messages[2]


def renumber(messages: list[Message]) -> None:
    """A resumed worker that repeats a token as a new one."""
    again = messages[2] | {"id": "1700000000000-9", "seq": 6}
    messages.insert(6, again)


def miscount(messages: list[Message]) -> None:
    messages[-1] = messages[-1] | {"usage": {"completion_tokens": 5}}


def test_checker_takes_a_good_reply() -> None:
    assert faults(reply()) == {}
    assert faults(reply(), expected_tokens=None) == {}


@pytest.mark.parametrize(
    ("doctor", "found"),
    [
        (lose, {"lost": 1, "text_differs": 1, "count_differs": 1}),
        (lose_the_last, {"text_differs": 1, "count_differs": 1}),
        (double, {"doubled": 1, "text_differs": 1, "count_differs": 1, "cursor_back": 1}),
        (reorder, {"reordered": 1, "text_differs": 1, "cursor_back": 1}),
        (renumber, {"text_differs": 1, "count_differs": 1}),
        (miscount, {"count_differs": 1}),
    ],
)
def test_checker_detects(doctor: Doctor, found: dict[str, int]) -> None:
    messages = reply()
    doctor(messages)
    assert faults(messages) == found
    assert set(found) <= set(FAULTS)


def test_checker_knows_how_many_tokens_were_asked_for() -> None:
    assert faults(reply(), expected_tokens=7) == {"count_differs": 1}


def test_prompts_come_in_turn_and_differ_when_they_come_again() -> None:
    prompts = ["a", "b"]
    assert [nth_prompt(prompts, n) for n in range(5)] == ["a", "b", "1. a", "1. b", "2. a"]


def test_plan_forces_equal_lengths_unless_open() -> None:
    assert Plan("", [], new_tokens=9).params() == {"min_tokens": 9, "max_tokens": 9}
    assert Plan("", [], new_tokens=None).params() == {}


def test_compare_takes_the_mean_of_before_and_after() -> None:
    runs = [EngineRun(2, 900.0, 1.0, 30.0, 10.0, 4.0), EngineRun(2, 1100.0, 1.0, 40.0, 12.0, 6.0)]
    engine = compare({"tokens_per_s": 700.0, "ttft_ms": {"p50": 1.0, "p95": 60.0}}, runs)
    assert engine["stack_to_engine"] == 0.7
    assert engine["ttft_p95_over_ms"] == 60.0 - (3 * 11.0 + 5.0)


@pytest.mark.e2e
@pytest.mark.timeout(240)
def test_bench_chat_measures_the_stack(stack: Stack, tmp_path: Path) -> None:
    numbers = bench(
        stack, tmp_path, "--check-ids", "--engine", "--engine-seconds", "1",
        "--png", str(tmp_path / "out.png"),
    )  # fmt: skip
    assert numbers["replies"] > 0
    assert numbers["tokens"] == 12 * numbers["replies"]
    assert set(numbers["cpu"]) == PARTS
    for name in ("ttft_ms", "message_gap_ms", "token_gap_ms", "accepted_ms", "queued_ms"):
        assert 0 <= numbers[name]["p50"] <= numbers[name]["p95"], name
    engine = numbers["engine"]
    assert [run["streams"] for run in engine["runs"]] == [4, 4]
    assert engine["stack_to_engine"] > 0
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.e2e
@pytest.mark.timeout(180)
def test_bench_chat_with_members_and_natural_lengths(stack: Stack, tmp_path: Path) -> None:
    numbers = bench(stack, tmp_path, "--members", "--open")
    assert numbers["replies"] > 0
    assert numbers["new_tokens"] is None


def bench(stack: Stack, folder: Path, *options: str) -> dict[str, Any]:
    """The numbers of a short run; no error and no fault in it."""
    out = folder / "out.json"
    result = subprocess.run(
        [
            sys.executable, "manage.py", "bench_chat", "--url", stack.ws_url, "--clients", "4",
            "--seconds", "2", "--warmup", "1", "--new-tokens", "12", "--json", str(out), *options,
        ],
        cwd=ROOT, env=stack.env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    numbers: dict[str, Any] = json.loads(out.read_text())
    assert numbers["errors"] == {}
    assert not any(numbers["faults"].values()), numbers["faults"]
    assert numbers["checked_replies"] >= numbers["replies"]
    assert "tokens/s" in result.stdout
    return numbers


@pytest.mark.e2e
@pytest.mark.timeout(120)
def test_bench_chat_reports_an_address_that_does_not_answer(stack: Stack) -> None:
    command = [sys.executable, "manage.py", "bench_chat", "--url", "ws://127.0.0.1:1/ws/chat/"]
    result = subprocess.run(
        [*command, "--clients", "1", "--seconds", "1", "--warmup", "0"],
        cwd=ROOT, env=stack.env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode != 0
    assert "refused" in result.stdout


def test_default_prompts_are_there() -> None:
    lines = PROMPTS.read_text(encoding="utf-8").splitlines()
    assert len(set(lines)) == len(lines) >= 32
