"""Make a backup while EuGPT runs: one snapshot of the database, read by pg_dump.

Nothing is seen under its final name before it is complete and on the disk.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from deploy.local.paths import ROOT
from deploy.ops import database, manifest
from deploy.ops.errors import OpsError
from deploy.ops.manifest import Manifest

PREFIX = "eugpt-"
_NAME = re.compile(r"eugpt-\d{8}T\d{6}Z(-\d+)?")
_PARTIAL = ".partial-"
_PARTIAL_KEPT_S = 24 * 60 * 60
_SPARE_BYTES = 100 * 1024**2
_LOCK_WAIT_S = 60  # a migration may hold a table; a backup is better told than kept


@dataclass(frozen=True)
class Wish:
    """Where backups go, how many are kept, and whether the model's files come along."""

    folder: Path
    keep: int
    with_model: bool = False


def backup(url: str, env: Mapping[str, str], wish: Wish) -> Path:
    """Make one, then remove the oldest above the limit; returns its folder."""
    try:
        wish.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        final = _new_name(wish.folder)
        aside = wish.folder / (_PARTIAL + final.name)
        aside.mkdir(mode=0o700)
    except OSError as error:
        raise _not_written(error) from error
    try:
        _fill(url, env, wish, aside)
        _sync(aside)
        aside.rename(final)
        _sync(wish.folder)
    except psycopg.Error as error:
        raise OpsError("dump_failed", f"PostgreSQL: {database.first_line(error)}") from error
    except OSError as error:
        raise _not_written(error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    prune(wish.folder, wish.keep)
    return final


def _not_written(error: OSError) -> OpsError:
    code = "no_space" if error.errno == errno.ENOSPC else "not_written"
    return OpsError(code, f"The backup could not be written: {error}.")


def backups(folder: Path) -> list[Path]:
    """All complete ones, the oldest first."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if path.is_dir() and _NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: (path.name[:22], len(path.name), path.name))


def prune(folder: Path, keep: int) -> list[Path]:
    """Remove the oldest above `keep`, and what killed runs have left behind a day ago."""
    old = backups(folder)[:-keep]
    stale = [
        path
        for path in folder.glob(f"{_PARTIAL}*")
        if time.time() - path.stat().st_mtime > _PARTIAL_KEPT_S
    ]
    for path in (*old, *stale):
        shutil.rmtree(path)
    return old


def _fill(url: str, env: Mapping[str, str], wish: Wish, aside: Path) -> None:
    with database.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute(f"SET lock_timeout = '{_LOCK_WAIT_S}s'")
        _check_room(connection, aside)
        applied = database.migrations(connection)
        if not applied:
            raise OpsError("empty_database", "There is no EuGPT in this database yet.")
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        dump = aside / manifest.DUMP
        manifest.write_private(dump, b"")
        arguments = ["--format=custom", "--no-owner", "--no-privileges"]
        arguments.append(f"--lock-wait-timeout={_LOCK_WAIT_S}s")
        arguments += [f"--snapshot={row[0]}", f"--file={dump}"]
        database.tool("pg_dump", url, arguments, code="dump_failed")
        checkpoint = _checkpoint(connection)
        if wish.with_model:
            _copy_model(checkpoint, env, aside)
        Manifest(
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            version=manifest.eugpt_version(),
            commit=manifest.eugpt_commit(),
            server_major=database.server_major(connection),
            migrations=applied,
            rows=database.row_counts(connection),
            checkpoint=checkpoint,
            has_model_files=wish.with_model,
            files=manifest.described(aside),
        ).write(aside)


def _check_room(connection: psycopg.Connection[database.Row], folder: Path) -> None:
    """A dump is smaller than its database: where there is room for that, it will do."""
    row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    needed = int(row[0]) + _SPARE_BYTES if row else _SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OpsError(
            "no_space",
            f"{folder.parent} has {free // 1024**2} MB left, the backup may need "
            f"{needed // 1024**2} MB: free some space or name another place (BACKUP_DIR).",
        )


def _checkpoint(connection: psycopg.Connection[database.Row]) -> dict[str, str] | None:
    row = connection.execute(
        "SELECT name, path, sha256 FROM inference_checkpoint WHERE is_active"
    ).fetchone()
    return dict(zip(("name", "path", "sha256"), row, strict=True)) if row else None


def _copy_model(checkpoint: dict[str, str] | None, env: Mapping[str, str], folder: Path) -> None:
    if checkpoint is None:
        raise OpsError("no_checkpoint", "No checkpoint is active: there are no files to include.")
    source = models_dir(env) / checkpoint["path"]
    if not source.is_dir():
        raise OpsError("no_checkpoint", f"The active checkpoint's files are not in {source}.")
    target = folder / "model"
    target.mkdir(mode=0o700)
    for path in sorted(source.iterdir()):
        if path.is_file() and not path.is_symlink():
            manifest.write_private(target / path.name, b"")
            shutil.copyfile(path, target / path.name)


def models_dir(env: Mapping[str, str]) -> Path:
    return ROOT / (env.get("EUGPT_MODELS_DIR") or "models")


def _new_name(folder: Path) -> Path:
    name = datetime.now(UTC).strftime(f"{PREFIX}%Y%m%dT%H%M%SZ")
    taken = [path for path in (folder / name, *folder.glob(f"{name}-*")) if path.exists()]
    return folder / (f"{name}-{len(taken)}" if taken else name)


def _sync(folder: Path) -> None:
    """Files and names are on the disk when this returns."""
    for path in (*folder.rglob("*"), folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
