"""`make bench-chat`: a EuGPT of its own comes up, is measured and goes away without a trace."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from deploy.local.paths import ROOT
from tests.support.servers import TestServers
from tests.support.tiny_model import build_tiny_checkpoint


@pytest.mark.e2e
@pytest.mark.timeout(240)
def test_bench_chat_leaves_nothing_behind(servers: TestServers, tmp_path: Path) -> None:
    build_tiny_checkpoint(tmp_path / "models" / "eugpt-tiny")
    place = servers.directory / tmp_path.name  # PostgreSQL's account can reach this one
    place.mkdir()
    out = tmp_path / "out.json"
    env = os.environ | {
        "TMPDIR": str(place),
        "EUGPT_MODELS_DIR": str(tmp_path / "models"),
        "EUGPT_MODEL": "eugpt-tiny",
        "EUGPT_ENGINE_THREADS": "1",
        "EUGPT_SLOTS": "4",
    }
    options = ["--clients", "2", "--seconds", "1", "--new-tokens", "8", "--json", str(out)]
    result = subprocess.run(
        [sys.executable, "-m", "deploy.local", "bench-chat", *options],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    numbers = json.loads(out.read_text())
    assert numbers["replies"] > 0
    assert numbers["errors"] == {}
    assert {"web", "worker", "valkey", "postgres"} <= set(numbers["cpu"])
    assert list(place.iterdir()) == []
    commands = (
        " ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])
    )
    assert not [command for command in commands if str(place) in command]
