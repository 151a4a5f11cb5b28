"""supervisord under the launcher's configuration: restarts what dies, leaves nothing behind."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from deploy.local import supervisor
from deploy.local.logs import LogFollower
from deploy.local.paths import VarDir

SLEEPER = f"{sys.executable} -u -c \"import time; print('100% up'); time.sleep(60)\""


def wait_for(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.05)


def sleepers(parent: psutil.Process) -> list[psutil.Process]:
    return [child for child in parent.children() if "time.sleep" in _command_line(child)]


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # just killed, or a zombie
        return ""


def test_supervisor_restarts_a_killed_program_and_stops_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    var = VarDir(tmp_path / "a % b")
    var.create()
    follower = LogFollower(var.log, ["one", "two"], poll_s=0.05)
    follower.start()
    child = supervisor.start(var, {"one": SLEEPER, "two": SLEEPER}, os.environ)
    process = psutil.Process(child.pid)
    wait_for(lambda: len(sleepers(process)) == 2)
    before = sleepers(process)
    before[0].kill()
    wait_for(lambda: len(sleepers(process)) == 2 and sleepers(process) != before)
    running = sleepers(process)
    supervisor.stop(child)
    follower.stop()
    assert psutil.wait_procs(running, timeout=1)[1] == []
    assert capsys.readouterr().out.count("one    | 100% up") >= 1
