"""Restore a backup: into a database of its own beside the present one, which it then replaces.

Until the last statement nothing of the present database is touched; what fails takes the new one
away again. The database of before stays, under another name, until somebody drops it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from deploy.local.paths import ROOT
from deploy.ops import database, manifest
from deploy.ops.backup import models_dir
from deploy.ops.errors import OpsError
from deploy.ops.manifest import Manifest

# What a fresh installation fills by itself: a database with rows in these only counts as empty.
SEEDED = frozenset(
    {
        "auth_group",
        "auth_group_permissions",
        "auth_permission",
        "chat_safetyrule",
        "django_content_type",
        "django_migrations",
        "inference_activation",
        "inference_checkpoint",
    }
)
_NAME_MAX_CHARS = 63  # PostgreSQL's
_LEAVE_S = 2.0


@dataclass(frozen=True)
class Restored:
    """What was done. `kept` is the database of before, "" where it had nothing in it."""

    rows: int
    kept: str
    notes: list[str]


def restore(url: str, env: Mapping[str, str], folder: Path, *, is_forced: bool) -> Restored:
    """Replace the database by the backup, or leave it as it is and raise OpsError."""
    said = manifest.read(folder)
    manifest.verify_files(folder, said)
    _check_version(said)
    name = database.name_of(url)
    stamp = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
    new = f"{name}_new_{stamp}"[:_NAME_MAX_CHARS]
    with database.connect(database.named(url, "postgres"), autocommit=True) as admin:
        _check_server(admin, said)
        is_there, has_rows = _state(admin, url, name)
        _check_target(admin, name, has_rows=has_rows, is_forced=is_forced)
        _create(admin, new)
        try:
            _fill(database.named(url, new), env, folder, said)
            kept = f"{name}_before_{stamp}"[:_NAME_MAX_CHARS]
            _swap(admin, name, new, kept if is_there else "", is_forced=is_forced)
        except BaseException:
            _drop(admin, new)
            raise
        if is_there and not has_rows:
            _drop(admin, kept)
    notes = _model_notes(env, folder, said)
    return Restored(sum(said.rows.values()), kept if is_there and has_rows else "", notes)


def forget(url: str, kept: str) -> None:
    """Drop a database that a restore has kept, and never another one."""
    if not re.fullmatch(rf"{re.escape(database.name_of(url))}_before_\d{{14}}", kept):
        raise OpsError("not_kept", f"{kept} is not the name of a database that a restore has kept.")
    with database.connect(database.named(url, "postgres"), autocommit=True) as admin:
        try:
            query = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(kept))
            admin.execute(query)
        except psycopg.errors.InvalidCatalogName as error:
            raise OpsError("not_kept", f"There is no database {kept}.") from error


def _check_version(said: Manifest) -> None:
    """A backup may be older than this EuGPT, never newer."""
    known = {
        f"{path.parent.parent.name}.{path.stem}" for path in ROOT.glob("*/migrations/[0-9]*.py")
    }
    ours = {name.split(".")[0] for name in known}
    newer = [name for name in said.migrations if name.split(".")[0] in ours and name not in known]
    if newer:
        raise OpsError(
            "newer_version",
            f"The backup is of EuGPT {said.version} ({said.commit[:12]}), which knows "
            f"{newer[0]}: restore it with that release or a later one.",
        )


def _check_server(admin: psycopg.Connection[database.Row], said: Manifest) -> None:
    major = database.server_major(admin)
    if major < said.server_major:
        raise OpsError(
            "older_server", f"PostgreSQL {major} is older than the backup's {said.server_major}."
        )


def _state(admin: psycopg.Connection[database.Row], url: str, name: str) -> tuple[bool, bool]:
    """Whether the database is there, and whether there is anything of people in it."""
    found = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
    if found is None:
        return False, False
    with database.connect(url) as connection:
        counts = database.row_counts(connection)
    return True, any(count for table, count in counts.items() if table not in SEEDED)


def _check_target(
    admin: psycopg.Connection[database.Row], name: str, *, has_rows: bool, is_forced: bool
) -> None:
    if has_rows and not is_forced:
        raise OpsError(
            "not_empty", f"There is something in the database {name}: FORCE=1 replaces it."
        )
    others = 0 if is_forced else _others(admin, name)
    if others:
        raise OpsError(
            "in_use", f"{others} connections use the database {name}: stop EuGPT first, or FORCE=1."
        )


def _others(admin: psycopg.Connection[database.Row], name: str) -> int:
    """Connections of others. Our own, just closed, may be seen for a moment longer."""
    query = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = %s AND backend_type = 'client backend'"
    )
    deadline = time.monotonic() + _LEAVE_S
    while True:
        row = admin.execute(query, [name]).fetchone()
        count = int(row[0]) if row else 0
        if not count or time.monotonic() > deadline:
            return count
        time.sleep(0.1)


def _create(admin: psycopg.Connection[database.Row], name: str) -> None:
    try:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise OpsError(
            "no_permission", "This account of PostgreSQL may not create databases (CREATEDB)."
        ) from error
    except psycopg.Error as error:
        code = "no_space" if isinstance(error, psycopg.errors.DiskFull) else "restore_failed"
        raise OpsError(code, f"No new database: {database.first_line(error)}") from error


def _fill(url: str, env: Mapping[str, str], folder: Path, said: Manifest) -> None:
    """Load the dump, count what has come, bring it up to date."""
    arguments = ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges"]
    dump = str(folder / manifest.DUMP)
    database.tool("pg_restore", url, [*arguments, dump], code="restore_failed")
    with database.connect(url) as connection:
        counts = database.row_counts(connection)
    if counts != said.rows:
        wrong = sorted(
            name for name in {*counts, *said.rows} if counts.get(name) != said.rows.get(name)
        )
        raise OpsError("rows_differ", f"Not all rows have come back: {', '.join(wrong[:5])}.")
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"],
        cwd=ROOT, env={**os.environ, **env, "DATABASE_URL": url},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        said_last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise OpsError("migrate_failed", f"The backup could not be migrated: {said_last}")


def _swap(
    admin: psycopg.Connection[database.Row], name: str, new: str, kept: str, *, is_forced: bool
) -> None:
    """Both renames or none. Who is still connected is cut off where that was asked for."""
    try:
        if kept and is_forced:
            _cut_off(admin, name)
        with admin.transaction():
            if kept:
                _rename(admin, name, kept)
            _rename(admin, new, name)
    except psycopg.errors.ObjectInUse as error:
        raise OpsError("in_use", f"Somebody has connected to {name} meanwhile.") from error
    except psycopg.Error as error:
        raise OpsError("restore_failed", f"No swap: {database.first_line(error)}") from error
    finally:  # under whichever name it has now
        _allow_connections(admin, name, kept)


def _cut_off(admin: psycopg.Connection[database.Row], name: str) -> None:
    """End all connections and let nobody in: pools would be back before the rename."""
    query = "ALTER DATABASE {} ALLOW_CONNECTIONS false"
    admin.execute(sql.SQL(query).format(sql.Identifier(name)))
    admin.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name]
    )


def _allow_connections(admin: psycopg.Connection[database.Row], *names: str) -> None:
    query = "SELECT datname FROM pg_database WHERE datname = ANY(%s) AND NOT datallowconn"
    for (name,) in admin.execute(query, [list(names)]).fetchall():
        let_in = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true")
        admin.execute(let_in.format(sql.Identifier(name)))


def _rename(admin: psycopg.Connection[database.Row], before: str, after: str) -> None:
    query = "ALTER DATABASE {} RENAME TO {}"
    admin.execute(sql.SQL(query).format(sql.Identifier(before), sql.Identifier(after)))


def _drop(admin: psycopg.Connection[database.Row], name: str) -> None:
    with suppress(psycopg.Error):
        query = "DROP DATABASE IF EXISTS {} WITH (FORCE)"
        admin.execute(sql.SQL(query).format(sql.Identifier(name)))


def _model_notes(env: Mapping[str, str], folder: Path, said: Manifest) -> list[str]:
    """Bring the model's files where they are missing; else say what is to be done."""
    if said.checkpoint is None:
        return ["No checkpoint was active: load one with manage.py load_checkpoint."]
    target = models_dir(env) / said.checkpoint["path"]
    if target.is_dir():
        return []
    if not said.has_model_files:
        wanted = f"{said.checkpoint['name']} (SHA-256 {said.checkpoint['sha256'][:12]}…)"
        return [f"The active checkpoint {wanted} is not in {target}: put its files there."]
    aside = target.with_name(f".{target.name}.new")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        shutil.copytree(folder / "model", aside)
        aside.rename(target)
    except OSError as error:  # a container's own files cannot be written
        shutil.rmtree(aside, ignore_errors=True)
        source = folder / "model"
        return [f"Put {source} to {target} by hand, where workers find it: {error}."]
    return [f"The files of {said.checkpoint['name']} were put into {target}."]
