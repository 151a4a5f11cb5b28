"""EuGPT's user of Redis: what it may, what it may not, embedded and in containers alike."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from deploy.local import processes
from deploy.local.paths import ROOT
from deploy.local.valkey import APP_RULES, EmbeddedValkey, binary
from tests.support.stack import Stack

PASSWORD = "Zx81-for-one-server"
FORBIDDEN = (
    "FLUSHALL", "FLUSHDB", "KEYS *", "CONFIG GET maxmemory", "CONFIG SET dir /tmp", "DEBUG SLEEP 0",
    "SHUTDOWN NOSAVE", "REPLICAOF 127.0.0.1 1", "MONITOR", "CLIENT LIST", "CLIENT KILL TYPE normal",
    "ACL LIST", "ACL SETUSER eugpt +@all", "MODULE LIST", "SAVE", "BGREWRITEAOF", "SORT a",
    "MIGRATE 127.0.0.1 1 a 0 1", "RESTORE a 0 x", "SLOWLOG GET", "LATENCY DOCTOR", "SWAPDB 0 1",
)  # fmt: skip
# The server itself refuses DEBUG and MODULE from outside, whoever asks.
REFUSED_ANYWAY = ("DEBUG", "MODULE")


def _compose_command() -> list[str]:
    """As compose hands it over: `$$` is its way to write `$`."""
    compose = yaml.safe_load((ROOT / "deploy" / "docker-compose.yml").read_text())
    command: list[str] = compose["services"]["redis"]["command"]
    assert "${" not in "".join(command), "what compose fills in is seen in the list of processes"
    return [part.replace("$$", "$") for part in command]


def _answering(url: str) -> redis.Redis:
    client = redis.Redis.from_url(url)
    for _ in range(600):
        try:
            client.ping()
        except redis.ConnectionError:
            time.sleep(0.05)
        else:
            return client
    raise AssertionError("it does not answer")


@pytest.fixture(scope="module", params=["embedded", "container"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("valkey")
    if request.param == "embedded":
        server = EmbeddedValkey(folder / "base", folder / "log", is_durable=False)
        yield server.start()
        server.stop()
        return
    port = processes.free_port()
    (folder / "valkey-server").symlink_to(binary())
    command = [*_compose_command(), "--port", str(port), "--dir", str(folder)]
    env = {"PATH": f"{folder}{os.pathsep}{os.defpath}", "REDIS_PASSWORD": PASSWORD}
    process = processes.start(command, log=folder / "log", cwd=folder, env=env)
    address = f"redis://eugpt:{PASSWORD}@127.0.0.1:{port}/0"
    _answering(address).close()
    yield address
    processes.stop(process)


@pytest.fixture
def client(url: str) -> Iterator[Any]:
    with redis.Redis.from_url(url) as one:
        yield one


@pytest.mark.parametrize("command", FORBIDDEN)
def test_dangerous_commands_are_refused(client: Any, command: str) -> None:
    with pytest.raises(redis.ResponseError) as caught:
        client.execute_command(*command.split())
    is_for_rights = isinstance(caught.value, redis.exceptions.NoPermissionError)
    assert is_for_rights or command.startswith(REFUSED_ANYWAY), caught.value


def test_a_script_may_no_more_than_its_caller(client: Any) -> None:
    with pytest.raises(redis.ResponseError, match=r"(?i)permission|ACL"):
        client.eval("return redis.call('FLUSHALL')", 0)


def test_what_we_use_works(client: Any) -> None:
    assert client.info("server")["run_id"]
    assert "run_id" in str(client.eval("return redis.call('INFO', 'server')", 0))
    assert client.xadd("eugpt:gen:a", {"t": "token"})
    assert client.publish("eugpt:pokes", "x") == 0
    assert list(client.scan_iter("eugpt:gen:*"))
    with client.pubsub() as ears:
        ears.psubscribe("/0.celery.pidbox")


@pytest.mark.parametrize("who", ["", "eugpt:wrong@", "default:wrong@", ":wrong@"])
def test_nobody_else_gets_in(url: str, who: str) -> None:
    place = url.rpartition("@")[2]
    with (
        redis.Redis.from_url(f"redis://{who}{place}") as stranger,
        pytest.raises(redis.exceptions.RedisError, match=r"(?i)auth|password|permission"),
    ):
        stranger.set("a", "b")


def test_both_have_the_same_rights() -> None:
    command = " ".join(_compose_command())
    assert f"user {APP_RULES.format(password='$REDIS_PASSWORD')}\n" in command
    assert "user default off\n" in command


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_celery_can_be_asked_as_the_health_checks_do(stack: Stack) -> None:
    command = ["celery", "-A", "eugpt", "inspect", "ping", "-t", "20"]
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=stack.env, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("pong") == 2
