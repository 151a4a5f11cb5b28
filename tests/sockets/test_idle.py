"""bench_chat --idle: the same load beside sockets that only stay open."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.support.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_bench_chat_measures_what_idle_sockets_cost(stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    call_command(
        "bench_chat", url=stack.ws_url, clients=2, seconds=2, warmup=0.5, new_tokens=8,
        idle=60, json=path,
    )  # fmt: skip
    numbers = json.loads(path.read_text())
    idle = numbers["idle"]
    assert idle["sockets"] == 60
    # 0 where what earlier tests left free in the web process holds all of them.
    assert 0 <= idle["web_kib_per_socket"] < 1024
    assert idle["tokens_per_s"] > 0
    assert numbers["errors"] == {}
