"""rediss:// and sslmode: what goes to servers on other machines is encrypted, and they are checked.

The embedded servers have no TLS of their own: a forwarder before Valkey has it. That PostgreSQL's
parameters arrive is seen by what it refuses.
"""

import asyncio
import os
import shlex
import shutil
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from deploy.local import processes, procfile
from deploy.local.paths import ROOT
from deploy.local.valkey import EmbeddedValkey
from tests.support.servers import TestServers

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")
WAIT_S = 60.0
# Every kind of client that EuGPT has, and a task that waits for whoever takes it.
TALK = """
import asyncio
import django
django.setup()
from accounts.store import async_redis_client, redis_client
from chat.tasks import reap_generations

async def ask():
    return await async_redis_client().ping()

assert redis_client().ping()
assert asyncio.run(ask())
reap_generations.delay()
print("all of them talk")
"""


@pytest.fixture
def valkey(servers: TestServers) -> Iterator[EmbeddedValkey]:
    server = servers.new_valkey("tls-valkey")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """An authority and, signed by it, a certificate for localhost; another authority beside."""
    _openssl(
        tmp_path, "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=a -keyout a.key -out a.pem"
    )
    _openssl(
        tmp_path, "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=b -keyout b.key -out b.pem"
    )
    _openssl(tmp_path, "req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout s.key -out s.csr")
    (tmp_path / "names").write_text("subjectAltName=DNS:localhost\n")
    _openssl(
        tmp_path, "x509 -req -in s.csr -CA a.pem -CAkey a.key -days 2 -extfile names -out s.pem"
    )
    return tmp_path


@pytest.fixture
def forwarder(valkey: EmbeddedValkey, certificates: Path) -> Iterator[int]:
    """The port on which Valkey is reached over TLS."""
    with TlsForwarder(valkey.port, certificates / "s.pem", certificates / "s.key") as one:
        yield one.port


def test_every_client_of_redis_speaks_tls(
    servers: TestServers, valkey: EmbeddedValkey, forwarder: int, certificates: Path
) -> None:
    env = _env(servers, valkey, forwarder, certificates / "a.pem")
    said = _talk(env)
    assert said.returncode == 0, said.stderr
    with redis.Redis.from_url(valkey.admin_url) as plain:
        assert plain.llen("default") == 1
        log = certificates / "jobs.log"
        jobs = processes.start(
            shlex.split(procfile.commands(env)["jobs"]), log=log, cwd=ROOT, env=env
        )
        try:
            deadline = time.monotonic() + WAIT_S
            while plain.llen("default") and time.monotonic() < deadline:
                time.sleep(0.1)
            assert plain.llen("default") == 0, log.read_text()
        finally:
            processes.stop(jobs)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_server_whose_certificate_is_not_right_is_refused_by_celery_too(
    servers: TestServers, valkey: EmbeddedValkey, forwarder: int, certificates: Path, host: str
) -> None:
    """Signed by somebody else, or for another name."""
    authority = certificates / ("b.pem" if host == "localhost" else "a.pem")
    env = _env(servers, valkey, forwarder, authority, host)
    send = "import django; django.setup(); import eugpt.celery as c; c.app.connection().connect()"
    said = _python(env, send)
    assert said.returncode != 0
    assert "certificate verify failed" in said.stderr
    assert "certificate verify failed" in _talk(env).stderr


def test_what_libpq_can_do_passes_through_the_database_url(servers: TestServers) -> None:
    """The embedded server has no TLS: who insists on it is refused, and says so."""
    url = f"{servers.postgres.url}?sslmode=require"
    ask = "import django; django.setup(); from django.db import connection as c; c.cursor()"
    said = _python({**os.environ, "DATABASE_URL": url}, ask)
    assert said.returncode != 0
    assert "server does not support SSL" in said.stderr


def _env(
    servers: TestServers,
    valkey: EmbeddedValkey,
    port: int,
    authority: Path,
    host: str = "localhost",
) -> dict[str, str]:
    user = urlsplit(valkey.url).netloc.rpartition("@")[0]
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DATABASE_URL": servers.postgres.url,
        "REDIS_URL": f"rediss://{user}@{host}:{port}/0?ssl_ca_certs={authority}",
    }


def _talk(env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return _python(env, TALK)


def _python(env: dict[str, str], code: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def _openssl(folder: Path, arguments: str) -> None:
    command = ["openssl", *arguments.split()]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


class TlsForwarder:
    """Ends TLS before a server on the loopback; on a thread and loop of its own."""

    def __init__(self, target: int, certificate: Path, key: Path) -> None:
        self._target = target
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate, key)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="tls")
        self._is_open = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._end: asyncio.Event
        self.port = 0

    def __enter__(self) -> "TlsForwarder":
        self._thread.start()
        assert self._is_open.wait(10)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0, ssl=self._context)
        self.port = server.sockets[0].getsockname()[1]
        self._is_open.set()
        await self._end.wait()
        server.close()

    async def _connect(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, there = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(_pass(near, there), _pass(far, back), return_exceptions=True)


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    finally:
        sink.close()
