"""A worker that is told to end lets its replies end, and no server that is gone keeps it."""

import asyncio
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.local import processes, procfile
from deploy.local.paths import ROOT
from tests.support.link import Link, linked
from tests.support.stack import Stack
from tests.support.wire import http, sse_lines

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

START_S = 90
# Containers have 20 s at least; with servers that say nothing it once took 22 s and more.
LEAVE_S = 15


@contextmanager
def further(
    stack: Stack, name: str, env: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """One more process of the table, from when it takes tasks."""
    env = {**stack.env, **env, "EUGPT_METRICS_PORT": "0"}
    command = procfile.commands(env)[name].replace(f"{name}@", f"{name}-leaving@")
    process = processes.start(shlex.split(command), log=log, cwd=ROOT, env=env)
    try:
        deadline = time.monotonic() + START_S
        while b" ready." not in log.read_bytes():
            assert process.poll() is None, processes.last_lines(log, 40)
            assert time.monotonic() < deadline, processes.last_lines(log, 40)
            time.sleep(0.1)
        yield process
    finally:
        processes.stop(process)


@contextmanager
def servers_behind_links(stack: Stack) -> Iterator[tuple[dict[str, str], list[Link]]]:
    """Settings that reach both servers through links, and those links."""
    env, links = {}, []
    with ExitStack() as opened:
        for name in ("DATABASE_URL", "REDIS_URL"):
            url = urlsplit(stack.env[name])
            link = opened.enter_context(linked(f"tcp://{url.hostname}:{url.port}"))
            user = url.netloc.rpartition("@")[0]
            env[name] = url._replace(netloc=f"{user}@{urlsplit(link.url).netloc}").geturl()
            links.append(link)
        yield env, links


@pytest.mark.parametrize("name", ["worker", "jobs"])
def test_who_is_idle_leaves_though_the_servers_say_nothing(
    stack: Stack, name: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with servers_behind_links(stack) as (env, links), further(stack, name, env, log) as process:
        for link in links:
            link.cut()
        process.send_signal(signal.SIGTERM)
        assert process.wait(LEAVE_S) == 0, processes.last_lines(log, 40)


def test_who_cannot_hear_leaves_as_well() -> None:
    """Looking up the name of a server that is gone keeps the main thread from Python's handlers."""
    deaf = """
import ctypes, signal
from eugpt.leave import leave_watch
leave_watch()
signal.signal(signal.SIGTERM, lambda *_: None)
print("ready", flush=True)
system, lock = ctypes.CDLL(None), ctypes.create_string_buffer(64)
system.pthread_mutex_lock(lock)
system.pthread_mutex_lock(lock)
"""
    process = subprocess.Popen([sys.executable, "-c", deaf], cwd=ROOT, stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        try:
            process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            assert process.wait(LEAVE_S) == 0
        finally:
            process.kill()


async def test_a_reply_is_written_to_its_end_before_its_worker_leaves(stack: Stack) -> None:
    body = {"message": "hello", "params": {"max_tokens": 120, "seed": 3}}
    worker = stack._running["worker"]
    names = []
    with stack.slow_worker(run_s=0.01, rest_s=0.2):
        async with (
            http(stack) as client,
            client.stream("POST", "/api/chat/guest", json=body) as answer,
        ):
            async for name, _, _ in sse_lines(answer):
                if name == "token" and "token" not in names:
                    worker.send_signal(signal.SIGTERM)
                names.append(name)
        code = await asyncio.to_thread(worker.wait, 60)
    assert (names[-1], code) == ("done", 0)
    assert "requeued" not in names
