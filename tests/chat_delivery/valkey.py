"""A Valkey of a test's own that can be killed and comes back, with or without its data."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from accounts import limits
from accounts.store import redis_client
from chat.delivery import streams
from deploy.local import processes
from deploy.local.valkey import EmbeddedValkey
from tests.support.servers import TestServers


class MortalValkey:
    """Start, kill and restore one; with `is_durable` its append-only file is read at the start."""

    def __init__(self, server: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch) -> None:
        self._server = server
        port = processes.free_port()
        monkeypatch.setattr("deploy.local.valkey.processes.free_port", lambda: port)

    @property
    def url(self) -> str:
        return self._server.admin_url

    def start(self) -> None:
        self._server.start()

    def kill(self) -> None:
        """`kill -9`."""
        process = self._server._process
        assert process is not None
        process.kill()
        process.wait()

    def forget(self) -> None:
        """Killed and started again without its data."""
        self.kill()
        shutil.rmtree(self._aof, ignore_errors=True)
        self.start()

    def copy(self) -> Path:
        """What it would have after a crash of the machine now."""
        kept = self._server.base / "kept"
        shutil.copytree(self._aof, kept)
        return kept

    def restore(self, kept: Path) -> None:
        """Killed and started again with an older append-only file."""
        self.kill()
        shutil.rmtree(self._aof)
        shutil.move(kept, self._aof)
        self.start()

    def stop(self) -> None:
        self._server.stop()

    @property
    def _aof(self) -> Path:
        return self._server.base / "appendonlydir"


@contextmanager
def mortal_valkey(
    servers: TestServers, settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str
) -> Iterator[MortalValkey]:
    """This process's clients are its clients while it lasts."""
    server = servers.new_valkey(name)
    server.is_durable = True
    valkey = MortalValkey(server, monkeypatch)
    valkey.start()
    settings.REDIS_URL = valkey.url
    _forget_clients()
    try:
        yield valkey
    finally:
        redis_client().close()
        _forget_clients()
        valkey.stop()


def _forget_clients() -> None:
    redis_client.cache_clear()
    limits._script.cache_clear()
    streams._script.cache_clear()
