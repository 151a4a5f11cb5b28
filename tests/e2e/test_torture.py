"""The short form of `make torture`: parts of the real stack die under 40 clients."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.launcher import base_env
from deploy.local.paths import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]
LIMIT_S = 360


def test_torture_short_form_loses_doubles_and_mixes_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.torture", "--short", "--out", str(tmp_path)]
    env = {name: value for name, value in base_env().items() if not name.startswith("EUGPT_")}
    process = subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        output, _ = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
        pytest.fail(f"it did not end:\n{output}")
    assert process.returncode == 0, output
    (folder,) = tmp_path.iterdir()
    result = json.loads((folder / "torture.json").read_text())
    rows = {row["name"]: row for row in result["rows"]}
    for name in ("worker: kill -9", "web: kill -9", "Valkey: kill -9, data kept"):
        assert rows[name]["continued"] > 0, output
    assert sum(row["answered"] for row in rows.values()) > 100
    assert result["repeated_questions"] > 20
    assert "<svg" in (folder / "report.html").read_text(encoding="utf-8")
