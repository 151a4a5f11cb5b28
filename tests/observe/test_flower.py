"""Flower watches our workers over our Redis user, behind a password, and can do nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from deploy.local import processes
from deploy.local.paths import ROOT
from tests.observe.receivers import until
from tests.support.stack import Stack

COMPOSE = yaml.safe_load((ROOT / "deploy" / "docker-compose.yml").read_text())
SERVICE: dict[str, Any] = COMPOSE["services"]["flower"]
AUTH = ("eugpt", "a-password-for-tests")


@contextmanager
def flower(stack: Stack, directory: Path) -> Iterator[str]:
    """The command of the compose file, on a free port of loopback."""
    port = processes.free_port()
    script = SERVICE["command"][-1].replace("$$", "$")
    script = script.replace("0.0.0.0", "127.0.0.1").replace("--port=5555", f"--port={port}")
    log = directory / "flower.log"
    env = stack.env | {"FLOWER_PASSWORD": AUTH[1]}
    process = processes.start(["sh", "-c", script], log=log, cwd=ROOT, env=env)
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: _answers(url) or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield url
    finally:
        processes.stop(process)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthcheck", timeout=5).is_success
    except httpx.HTTPError:
        return False


def test_the_service_is_optional_local_and_has_a_password() -> None:
    assert SERVICE["profiles"] == ["observe"]
    assert [port.startswith("127.0.0.1:") for port in SERVICE["ports"]] == [True]
    assert "--read_only=True" in SERVICE["command"][-1]


def test_it_does_not_start_without_a_password() -> None:
    script = SERVICE["command"][-1].replace("$$", "$").replace("exec celery", "exec echo")
    for password, code in (("", 2), ("a-password", 0)):
        env = {"FLOWER_PASSWORD": password, "PATH": "/usr/bin:/bin"}
        done = subprocess.run(["sh", "-c", script], env=env, capture_output=True, check=False)
        assert done.returncode == code, done.stderr


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_flower_sees_workers_and_tasks_and_changes_nothing(stack: Stack, tmp_path: Path) -> None:
    assert "@" in stack.env["REDIS_URL"]  # the restricted user of `make run`
    with (
        stack.more_worker({"EUGPT_TASK_EVENTS": "on"}),
        flower(stack, tmp_path) as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        for path in ("/", "/workers", "/tasks", "/broker", "/api/workers", "/api/tasks"):
            assert client.get(path).status_code == 401, path
        client.auth = AUTH
        workers = until(lambda: _workers(client))
        assert {name.partition("@")[0] for name in workers} > {"worker", "jobs"}
        until(lambda: _prompted(stack, client))
        name = next(it for it in workers if it.startswith("worker@"))
        for path in (
            f"/api/worker/shutdown/{name}",
            f"/api/worker/pool/shrink/{name}?n=1",
            f"/api/worker/queue/cancel-consumer/{name}?queue=generate",
            "/api/task/async-apply/chat.tasks.reap_generations",
            "/api/task/send-task/chat.tasks.reap_generations",
        ):
            assert client.post(path, json={"args": []}).status_code in (401, 403, 405), path
    assert stack._running["worker"].poll() is None
    assert httpx.get(f"{stack.base_url}/api/health", timeout=30).is_success


def _workers(client: httpx.Client) -> list[str]:
    found = client.get("/api/workers", params={"refresh": "true"}).json()
    return sorted(found) if len(found) >= 3 else []


def _prompted(stack: Stack, client: httpx.Client) -> bool:
    """Whether Flower has seen the task of a prompt, and nothing of the prompt."""
    word = "kanarienvogel"
    httpx.post(f"{stack.base_url}/api/chat/guest", json={"message": word}, timeout=60)
    answer = client.get("/api/tasks", params={"limit": 1000})
    assert word not in answer.text
    names = {task["name"] for task in answer.json().values()}
    return "chat.tasks.run_generation" in names
