"""The embedded PostgreSQL and Valkey: private, reusable, and gone when they should be."""

import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from deploy.local.paths import ROOT
from deploy.local.postgres import EmbeddedPostgres, sibling_url
from deploy.local.valkey import EmbeddedValkey


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that other users may enter: root's PostgreSQL is run by one of them."""
    with tempfile.TemporaryDirectory(prefix="eugpt-servers-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_postgres_second_start_finds_the_data(directory: Path) -> None:
    for expected in (1, 2):
        server = EmbeddedPostgres(directory / "postgres", directory / "log")
        with psycopg.connect(server.start()) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS visit (n int)")
            connection.execute("INSERT INTO visit VALUES (1)")
            rows = connection.execute("SELECT count(*) FROM visit").fetchone()
        server.stop()
        assert rows == (expected,)
    server.destroy()


def test_postgres_refuses_a_wrong_password(directory: Path) -> None:
    server = EmbeddedPostgres(directory / "postgres", directory / "log", is_durable=False)
    url = server.start()
    password = url.split(":")[2].split("@")[0]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url.replace(password, "wrong"))
    server.destroy()


def test_postgres_start_replaces_a_killed_run(directory: Path) -> None:
    base, log = directory / "postgres", directory / "log"
    first = EmbeddedPostgres(base, log, is_durable=False)
    first.start()
    second = EmbeddedPostgres(base, log, is_durable=False)
    second.start()  # as after a crash of the launcher: the first one still runs
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(first.url)
    second.create_database("other")
    psycopg.connect(sibling_url(second.url, "other")).close()
    first.stop()
    second.destroy()


def test_valkey_second_start_finds_the_data(directory: Path) -> None:
    for expected in (1, 2):
        server = EmbeddedValkey(directory / "valkey", directory / "log")
        with redis.Redis.from_url(server.start()) as client:
            assert client.incr("visits") == expected
        server.stop()


def test_killed_valkey_comes_back_where_it_was_with_its_data(directory: Path) -> None:
    server = EmbeddedValkey(directory / "valkey", directory / "log")
    url = server.start()
    with redis.Redis.from_url(url) as client:
        client.set("kept", "yes")
        server.kill()
        assert server.start() == url
        assert client.get("kept") == b"yes"
    server.stop()


def test_restarted_postgres_comes_back_where_it_was(directory: Path) -> None:
    server = EmbeddedPostgres(directory / "postgres", directory / "log", is_durable=False)
    url = server.start()
    server.stop()
    assert server.start() == url
    server.destroy()


def test_valkey_refuses_strangers(directory: Path) -> None:
    server = EmbeddedValkey(directory / "valkey", directory / "log", is_durable=False)
    port = int(server.start().rsplit(":", 1)[1].split("/")[0])
    with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    server.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_servers_end_when_their_owner_is_killed(directory: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\n"
        "from deploy.local.valkey import EmbeddedValkey\n"
        "valkey = EmbeddedValkey(Path(sys.argv[1]), Path(sys.argv[1] + '.log'))\n"
        "valkey.start()\nprint(valkey._process.pid, flush=True)\ntime.sleep(60)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", script, str(directory / "valkey")], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert owner.stdout is not None
    server = psutil.Process(int(owner.stdout.readline()))
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    assert psutil.wait_procs([server], timeout=10)[1] == []


def test_server_outlives_the_thread_that_started_it(directory: Path) -> None:
    server = EmbeddedValkey(directory / "valkey", directory / "log", is_durable=False)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    time.sleep(0.2)  # the kernel would have sent its signal by now
    with redis.Redis.from_url(server.url) as client:
        assert client.ping()
    server.stop()
