"""PostgreSQL and Valkey for one run: the embedded ones, or those the environment names."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from deploy.local.paths import VarDir
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.valkey import EmbeddedValkey


@contextmanager
def services(
    var: VarDir, env: Mapping[str, str], say: Callable[[str], None]
) -> Iterator[dict[str, str]]:
    """Yields DATABASE_URL and REDIS_URL; embedded servers end, flushed, when the block ends."""
    urls: dict[str, str] = {}
    with ExitStack() as stack:
        if url := env.get("DATABASE_URL"):
            say("Using the PostgreSQL of DATABASE_URL")
        else:
            say("Starting the embedded PostgreSQL")
            postgres = EmbeddedPostgres(var.root / "postgres", var.log / "postgres.log")
            stack.callback(postgres.stop)
            url = postgres.start()
        urls["DATABASE_URL"] = url
        if url := env.get("REDIS_URL"):
            say("Using the Redis of REDIS_URL")
        else:
            say("Starting the embedded Valkey")
            valkey = EmbeddedValkey(var.root / "valkey", var.log / "valkey.log")
            stack.callback(valkey.stop)
            url = valkey.start()
        urls["REDIS_URL"] = url
        yield urls


@contextmanager
def announced(var: VarDir, urls: Mapping[str, str]) -> Iterator[None]:
    """Keep the URLs of the running servers in var/run/services.json (mode 600) for `manage`."""
    path = _state_file(var)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(dict(urls)))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def running_urls(var: VarDir) -> dict[str, str]:
    """What `announced` wrote; only meaningful while somebody holds the run lock."""
    urls: dict[str, str] = json.loads(_state_file(var).read_text())
    return urls


def _state_file(var: VarDir) -> Path:
    return var.run / "services.json"
