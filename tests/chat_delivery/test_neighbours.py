"""When a worker passes a prompt on to a quicker one."""

import json

from chat.generation.neighbours import Neighbours


def sign(step_s: float, running: int = 0, slots: int = 4) -> bytes:
    return json.dumps({"step_s": step_s, "running": ["x"] * running, "slots": slots}).encode()


def stepping(step_s: float) -> Neighbours:
    """One whose engine has made 50 steps of this length."""
    times = iter([number * step_s for number in range(51)])
    found = Neighbours(clock=lambda: next(times))
    for _ in range(51):
        found.stepped()
    return found


def test_step_time_is_that_of_its_engine() -> None:
    found = stepping(0.02)
    assert round(found.step_s(3), 6) == round(found.step_s(0), 6) == 0.02
    assert Neighbours().step_s(3) == 0


def test_slow_one_passes_on_to_a_quick_one_with_room() -> None:
    slow = stepping(0.02)
    assert not slow.should_pass(1), "nobody else is known"
    slow.look([sign(0.005, running=2)])
    assert slow.should_pass(1)


def test_equal_full_and_unknown_ones_get_nothing() -> None:
    slow = stepping(0.02)
    for others in ([sign(0.019)], [sign(0.005, running=4)], [sign(0.0)], [None]):
        slow.look(others)
        assert not slow.should_pass(1)


def test_old_signs_do_not_say_step_s() -> None:
    slow = stepping(0.02)
    slow.look([json.dumps({"running": [], "slots": 4})])
    assert not slow.should_pass(1)


def test_only_some_are_passed_on_between_two_looks() -> None:
    slow = stepping(0.02)
    slow.look([sign(0.005)])
    assert [slow.should_pass(1) for _ in range(6)] == [True] * 4 + [False] * 2
    slow.look([sign(0.005)])
    assert slow.should_pass(1)
