"""`make bench-scale` runs from end to end, and its model says what the document says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.paths import ROOT
from deploy.scaling.model import (
    MEASURED,
    Assumptions,
    Measured,
    capacity_table,
    cost_per_million,
    need,
)
from tests.support.servers import TestServers
from tests.support.tiny_model import build_tiny_checkpoint

COSTS = Measured(
    worker_us_per_token=400,
    web_us_per_token=50,
    web_us_per_reply=3000,
    web_us_per_token_of_others=5,
    valkey_us_per_token=20,
    valkey_commands_per_token=4,
    postgres_us_per_reply=3000,
    postgres_commits_per_reply=10,
    bytes_per_slot=1e6,
    bytes_per_socket=26e3,
    bytes_per_exchange=3000,
    tokens_per_s_of_a_slot=80,
)


# All of them take two minutes; these have every kind of load, and what the model needs.
EXPERIMENTS = ("clients", "web", "memory", "servers")


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_experiments_give_numbers(servers: TestServers, tmp_path: Path) -> None:
    build_tiny_checkpoint(tmp_path / "models" / "eugpt-tiny")
    place = servers.directory / tmp_path.name  # PostgreSQL's account can reach this one
    place.mkdir()
    env = os.environ | {
        "TMPDIR": str(place),
        "EUGPT_MODELS_DIR": str(tmp_path / "models"),
        "EUGPT_MODEL": "eugpt-tiny",
    }
    options = ["--small", "--only", ",".join(EXPERIMENTS), "--out", str(tmp_path)]
    command = [sys.executable, "-m", "deploy.scaling", "measure", *options]
    result = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    numbers = json.loads((tmp_path / "scale.json").read_text())
    assert set(EXPERIMENTS) <= set(numbers)
    assert numbers["clients"]["points"][0]["tokens_per_s"] > 0
    assert numbers["clients"]["points"][0]["faults"] == 0
    assert min(numbers["servers"]["valkey"].values()) > 0
    assert Measured.of(numbers).worker_us_per_token > 0
    assert (tmp_path / "scale.png").stat().st_size < 200_000
    assert list(place.iterdir()) == []


def test_model_follows_its_arithmetic() -> None:
    a = Assumptions(
        messages_per_day=864, tokens_per_reply=100, peak=1, full=0.5, price_per_core_hour=3.6
    )
    found = need(1000, COSTS, a)  # 10 replies, 1000 tokens a second
    assert (round(found.replies_per_s, 6), round(found.tokens_per_s, 6)) == (10, 1000)
    assert round(found.worker_cores, 6) == 1000 * 400e-6 / 0.5
    assert found.web_processes == 1
    assert found.cells == 1
    assert round(found.commits_per_s, 6) == 100
    cost = cost_per_million(COSTS, a)
    assert round(cost["core_s"], 6) == 400 + 50 + 20 + (3000 + 3000) / 100
    assert round(cost["price_following"], 6) == round(cost["core_s"] / 3600 * 3.6 / 0.5, 6)


def test_more_users_fill_shared_parts_first() -> None:
    needs = [need(users, COSTS, Assumptions()) for users in (1_000, 100_000, 10_000_000)]
    assert needs[0].bottleneck == "none"
    assert needs[1].bottleneck in {"worker", "web"}
    assert needs[2].bottleneck in {"pokes", "valkey", "postgres"}
    assert needs[0].cells == needs[1].cells == 1 < needs[2].cells


def test_document_has_the_table_of_the_model() -> None:
    measured = Measured.of(json.loads(MEASURED.read_text(encoding="utf-8")))
    text = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    assert capacity_table(measured, Assumptions()) in text


def test_model_is_a_command() -> None:
    command = [sys.executable, "-m", "deploy.scaling", "model", "--peak", "6"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    measured = Measured.of(json.loads(MEASURED.read_text(encoding="utf-8")))
    assert result.stdout.strip() == capacity_table(measured, Assumptions(peak=6)).strip()
