"""bench_chat --idle: the same load beside sockets that only stay open."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.support.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_bench_chat_measures_what_idle_sockets_cost(stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    # A web process of its own: one that has served other tests has room left for all of them.
    with stack.more_web({}) as url:
        call_command(
            "bench_chat", url=f"{url.replace('http', 'ws', 1)}/ws/chat/", clients=2, seconds=2,
            warmup=0.5, new_tokens=8, idle=60, json=path,
        )  # fmt: skip
    numbers = json.loads(path.read_text())
    idle = numbers["idle"]
    assert idle["sockets"] == 60
    assert 0 < idle["web_kib_per_socket"] < 1024
    assert idle["tokens_per_s"] > 0
    assert numbers["errors"] == {}
