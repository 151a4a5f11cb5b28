"""What PostgreSQL and Valkey do at most here, by programs that do nothing else.

They are loaded alone: an upper bound for EuGPT, whose own cost for each token and reply the other
experiments find.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from typing import Any

import psycopg
import redis

from deploy.local.errors import SetupError
from deploy.local.paths import ROOT
from deploy.local.postgres import install_dir, sibling_url
from deploy.scaling.site import Site

_PIPELINE = 200
_CLIENTS = 8


def valkey_pace(site: Site, seconds: float) -> dict[str, Any]:
    """Plain SETs in pipelines, then words as publishers append them; with Valkey's own CPU."""
    client: Any = redis.Redis.from_url(site.redis_url)
    first, start = _valkey_cpu(client), time.perf_counter()
    commands = 0
    while time.perf_counter() - start < seconds:
        pipe = client.pipeline(transaction=False)
        for number in range(_PIPELINE):
            pipe.set(f"pace:{number}", b"x" * 64)
        pipe.execute()
        commands += _PIPELINE
    plain_cpu = _valkey_cpu(client) - first
    plain_s = time.perf_counter() - start
    first = _valkey_cpu(client)
    entries = _appends(site, seconds) * seconds
    append_cpu = _valkey_cpu(client) - first
    client.close()
    return {
        "sets_per_s": round(commands / plain_s),
        "sets_per_cpu_s": round(commands / plain_cpu),
        "entries_per_s": round(entries / seconds),
        "entries_per_cpu_s": round(entries / append_cpu),
    }


def _appends(site: Site, seconds: float) -> float:
    command = [sys.executable, "-m", "chat.benchmarks.appends", str(seconds), "2"]
    return float(_output(command, site.env))


def _valkey_cpu(client: Any) -> float:
    info = client.info("cpu")
    return float(info["used_cpu_sys"] + info["used_cpu_user"])


def database_bytes(site: Site) -> int:
    """EuGPT's tables and indexes now; tables that nobody writes to in a load count, too."""
    with psycopg.connect(site.database_url) as database:
        row = database.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])


def postgres_pace(site: Site, seconds: int) -> dict[str, Any]:
    """pgbench's simple updates (three statements and a durable commit) from eight clients."""
    name = "pgbench"
    with psycopg.connect(sibling_url(site.database_url, "postgres"), autocommit=True) as database:
        database.execute(f"DROP DATABASE IF EXISTS {name}")
        database.execute(f"CREATE DATABASE {name}")
    tool = str(install_dir() / "bin" / "pgbench")
    url = sibling_url(site.database_url, name)
    _output([tool, "--initialize", "--quiet", "--scale=4", url], site.env)
    options = ["--skip-some-updates", f"--client={_CLIENTS}", f"--time={seconds}"]
    text = _output([tool, "--no-vacuum", *options, url], site.env)
    found = re.search(r"^tps = ([0-9.]+)", text, re.M)
    latency = re.search(r"^latency average = ([0-9.]+)", text, re.M)
    assert found is not None, text
    assert latency is not None, text
    return {
        "clients": _CLIENTS,
        "commits_per_s": round(float(found[1])),
        "latency_ms": float(latency[1]),
    }


def _output(command: list[str], env: dict[str, str]) -> str:
    result = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise SetupError(f"{command[0]} failed:\n{result.stderr[-1500:]}")
    return result.stdout
