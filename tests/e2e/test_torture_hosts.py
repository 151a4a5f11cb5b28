"""The short form of `make torture-hosts`: a worker host is unplugged in mid-answer."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local.launcher import base_env
from deploy.local.paths import ROOT
from deploy.netns.hosts import why_not

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]
LIMIT_S = 360
REASON = why_not()


def _start(*arguments: str, scratch: str = "") -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "deploy.netns", "--short", *arguments]
    env = {name: value for name, value in base_env().items() if not name.startswith("EUGPT_")}
    if scratch:
        env["TMPDIR"] = scratch
    return subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.mark.long
@pytest.mark.skipif(bool(REASON), reason=REASON)
def test_an_unplugged_worker_host_loses_no_answer_and_comes_back(tmp_path: Path) -> None:
    process = _start("--clients", "20", "--out", str(tmp_path))
    try:
        output, _ = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
        pytest.fail(f"it did not end:\n{output}")
    assert process.returncode == 0, output
    (folder,) = tmp_path.iterdir()
    result = json.loads((folder / "torture.json").read_text())
    cut = result["rows"][-1]
    assert cut["interrupted"] > 0, output
    assert cut["continued"] == cut["interrupted"], output
    seen = "\n".join(result["seen"])
    assert "worker1 signs again" in seen
    assert "worker1 writes again" in seen
    assert "not within" not in seen, output
    assert not result["unexpected_exits"], output


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """For the files that a killed run leaves; root's PostgreSQL runs as another user."""
    with tempfile.TemporaryDirectory(prefix="eugpt-hosts-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.mark.skipif(bool(REASON), reason=REASON)
def test_nothing_runs_on_of_a_run_that_is_killed(open_folder: Path) -> None:
    """Not even by a signal that no clean-up hears: the namespaces go with their processes."""
    before = _namespaces()
    process = _start("--out", str(open_folder / "out"), scratch=str(open_folder))
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if line.startswith("eugpt  | Migrating"):
            break
    below = psutil.Process(process.pid).children(recursive=True)
    assert _namespaces() - before, seen
    process.kill()
    process.wait(60)
    process.stdout.close()
    _, left = psutil.wait_procs(below, timeout=120)
    assert not left
    assert not _namespaces() - before


@pytest.mark.skipif(not REASON, reason="hosts can be made here")
def test_where_hosts_cannot_be_made_it_says_why() -> None:
    process = _start()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"cannot run here: {REASON}" in output


def _namespaces() -> set[int]:
    """The networks of all processes that we may look at."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/ns/net"):
        try:
            found.add(path.stat().st_ino)
        except OSError:
            continue
    return found
