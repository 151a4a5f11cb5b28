"""A real Prometheus that scrapes a real stack, and all that the dashboards and rules ask it."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from deploy.local import processes
from tests.metrics.promtool import ALERTS, panels, program, rules

# What nothing was there for: no limit of memory, no alert that fires.
EMPTY = {"overview: Alerts that fire A", "overview: Valkey's memory B"}


@contextmanager
def prometheus(private: list[tuple[str, str]], folder: Path) -> Iterator[str]:
    """The address of one that scrapes these processes (role, url); "" where there is none."""
    try:
        command = program("prometheus")
    except pytest.skip.Exception:
        yield ""
        return
    targets = [
        {"targets": [url.removeprefix("http://")], "labels": {"role": role}}
        for role, url in private
    ]
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(ALERTS)],
        "scrape_configs": [{"job_name": "eugpt", "static_configs": targets}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = processes.free_port()
    started = subprocess.Popen(
        [
            command, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
        ],
    )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while len(_values(url, 'up{job="eugpt"} == 1')) < len(targets):
            assert time.monotonic() < deadline, "not everybody is scraped"
            time.sleep(0.3)
        yield url
    finally:
        processes.stop(started)


def _values(url: str, query: str) -> list[Any]:
    try:
        answer = httpx.get(f"{url}/api/v1/query", params={"query": query}, trust_env=False)
    except httpx.TransportError:
        return []  # it is starting
    if answer.status_code == 503:
        return []
    body = answer.json()
    assert body["status"] == "success", (query, body)
    return list(body["data"]["result"])


def ask_everything(url: str) -> None:
    """Each query gives data, but the named ones; each rule was evaluated without an error."""
    newest = 'sum(increase(eugpt_generations_total{finish_reason="error"}[1m])) > 0'
    recorded = [(rule["record"], rule["record"]) for rule in rules() if "record" in rule]
    silent = [("the end of the load", newest), *panels(), *recorded]
    deadline = time.monotonic() + 40
    # A rule is a second behind what it reads, and a late scrape leaves a gap.
    while True:
        silent = [(name, query) for name, query in silent if not _values(url, query)]
        names = {name for name, _ in silent}
        assert names >= EMPTY, f"has data: {EMPTY - names}"
        if names == EMPTY:
            break
        assert time.monotonic() < deadline, f"no data: {names - EMPTY}"
        time.sleep(0.3)
    for rule in rules():
        _values(url, rule["expr"])
    groups = httpx.get(f"{url}/api/v1/rules", trust_env=False).json()["data"]["groups"]
    evaluated = [rule for group in groups for rule in group["rules"]]
    assert {rule["name"] for rule in evaluated} == {
        rule.get("alert") or rule["record"] for rule in rules()
    }
    assert [rule for rule in evaluated if rule["health"] != "ok"] == []
