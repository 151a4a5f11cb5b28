"""`make test` runs every step, and says at the end why one in the middle failed."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from deploy.checklist import TAIL_LINES, Step, main


def step(name: str, code: str) -> Step:
    return Step(name, (sys.executable, "-c", code))


def test_all_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([step("one", "print('fine')"), step("two", "pass")]) == 0
    shown = capsys.readouterr()
    assert "fine" in shown.out
    assert shown.err == ""


def test_the_end_of_an_early_failure_is_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    many = f"[print('line', n) for n in range({TAIL_LINES + 5})]; raise SystemExit('why')"
    steps = [step("early", many), step("middle", "print('went on')"), step("late", "1/0")]
    assert main(steps) == 1
    shown = capsys.readouterr()
    assert "went on" in shown.out
    assert "ZeroDivisionError" in shown.out
    assert "=== the end of early:" in shown.err
    assert "why" in shown.err
    assert "line 0\n" not in shown.err
    assert shown.err.rstrip().endswith("FAILED: early, late")


def test_a_process_left_behind_does_not_hold_it_up() -> None:
    left = "import subprocess; print(subprocess.Popen(['sleep', '40']).pid)"
    steps = [step("leaves one", left)]
    with ThreadPoolExecutor() as pool:
        assert pool.submit(main, steps).result(timeout=35) == 0
