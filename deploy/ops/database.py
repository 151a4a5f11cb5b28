"""The database of an installation, and PostgreSQL's own tools on it.

Passwords reach the tools by their environment: a command line is everybody's to read.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from deploy.local import checks, launcher
from deploy.local.errors import SetupError
from deploy.local.postgres import EmbeddedPostgres, install_dir
from deploy.local.services import running_urls
from deploy.ops.errors import OpsError

CONNECT_TIMEOUT_S = 5
Row = tuple[Any, ...]


@contextmanager
def database_url(env: Mapping[str, str]) -> Iterator[str]:
    """DATABASE_URL, else that of `make run`, whose PostgreSQL is started where it does not run."""
    if url := env.get("DATABASE_URL"):
        yield url
        return
    var = launcher.var_dir(env)
    with checks.run_lock(var) as is_alone:
        if not is_alone:
            yield running_urls(var)["DATABASE_URL"]
            return
        postgres = EmbeddedPostgres(var.root / "postgres", var.log / "postgres.log")
        try:
            yield postgres.start()
        finally:
            postgres.stop()


def named(url: str, name: str) -> str:
    """The same server's address with another database."""
    return make_conninfo(url, dbname=name)


def name_of(url: str) -> str:
    parts = conninfo_to_dict(url)
    return str(parts.get("dbname") or parts.get("user") or "")


def connect(url: str, **options: Any) -> psycopg.Connection[Row]:
    """A connection; OpsError when there is none to be had."""
    try:
        return psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_S, **options)
    except psycopg.OperationalError as error:
        raise OpsError(
            "database_unreachable", f"PostgreSQL does not let us in: {first_line(error)}"
        ) from error


def tool(name: str, url: str, arguments: Sequence[str], *, code: str) -> None:
    """Run one of PostgreSQL's programs on this database; OpsError with what it said."""
    parts = conninfo_to_dict(url)
    password = str(parts.pop("password", "") or "")
    # `dbname` may be a whole connection string.
    where = make_conninfo("", **parts)
    env = os.environ | ({"PGPASSWORD": password} if password else {})
    command = [str(_program(name)), "--no-password", f"--dbname={where}", *arguments]
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode != 0:
        said = " ".join(done.stderr.split())[-600:]
        lacks_room = "No space left" in said or "could not extend file" in said
        raise OpsError("no_space" if lacks_room else code, f"{name} failed: {said}")


def _program(name: str) -> Path:
    """The wheel's, whose release is pinned; else the system's."""
    with suppress(SetupError):
        program = install_dir() / "bin" / name
        if program.exists():
            return program
    if found := shutil.which(name):
        return Path(found)
    raise OpsError("no_tool", f"There is no {name} on this machine: install PostgreSQL's client.")


def tables(connection: psycopg.Connection[Row]) -> list[str]:
    """Names of all tables."""
    found = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    )
    return [name for (name,) in found]


def row_counts(connection: psycopg.Connection[Row]) -> dict[str, int]:
    """Rows of every table."""
    counts = {}
    for name in tables(connection):
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))
        row = connection.execute(query).fetchone()
        counts[name] = int(row[0]) if row else 0
    return counts


def migrations(connection: psycopg.Connection[Row]) -> list[str]:
    """Every applied migration as app.name; none where there is no such table."""
    if "django_migrations" not in tables(connection):
        return []
    found = connection.execute("SELECT app || '.' || name FROM django_migrations ORDER BY 1")
    return [name for (name,) in found]


def server_major(connection: psycopg.Connection[Row]) -> int:
    return connection.info.server_version // 10_000


def first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
