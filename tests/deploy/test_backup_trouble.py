"""What a backup says when the disk, the folder, the server or a lock is in its way."""

import os
import shutil
from pathlib import Path

import psycopg
import pytest

from deploy.ops import database
from deploy.ops.backup import Wish, backup
from deploy.ops.errors import OpsError
from deploy.ops.restore import restore
from tests.support.servers import TestServers

pytestmark = pytest.mark.timeout(180)


def test_a_full_disk_leaves_no_half_of_a_backup(
    source: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10))
    with pytest.raises(OpsError) as error:
        backup(source, os.environ, Wish(folder, keep=1))
    assert error.value.code == "no_space"
    assert list(folder.iterdir()) == []


def test_a_server_that_is_away_and_an_empty_database_are_said(
    servers: TestServers, folder: Path, target: str
) -> None:
    cases = (("postgresql://eugpt@127.0.0.1:1/x", "database_unreachable"),
             (database.named(servers.postgres.url, "postgres"), "empty_database"))  # fmt: skip
    for url, code in cases:
        with pytest.raises(OpsError) as error:
            backup(url, os.environ, Wish(folder, keep=1))
        assert error.value.code == code
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said(source: str, folder: Path) -> None:
    (folder / "file").touch()
    with pytest.raises(OpsError) as error:
        backup(source, os.environ, Wish(folder / "file" / "backups", keep=1))
    assert error.value.code == "not_written"


def test_a_locked_table_holds_a_backup_for_a_while_only(
    source: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.ops.backup._LOCK_WAIT_S", 1)
    with psycopg.connect(source) as migration:
        migration.execute("LOCK TABLE accounts_user IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(OpsError) as error:
            backup(source, os.environ, Wish(folder, keep=1))
    assert error.value.code == "dump_failed"
    assert list(folder.iterdir()) == []


def test_model_files_that_cannot_be_put_back_are_said(
    source: str, target: str, folder: Path
) -> None:
    """A container's own files cannot be written; by then the database is there."""
    (folder / "models" / "tiny").mkdir(parents=True)
    (folder / "models" / "tiny" / "config.json").write_text("{}")
    env = os.environ | {"EUGPT_MODELS_DIR": str(folder / "models")}
    made = backup(source, env, Wish(folder, keep=3, with_model=True))
    (folder / "no-folder").touch()
    done = restore(
        target, env | {"EUGPT_MODELS_DIR": str(folder / "no-folder")}, made, is_forced=False
    )
    assert "by hand" in done.notes[0]
    done = restore(target, env | {"EUGPT_MODELS_DIR": str(folder)}, made, is_forced=True)
    assert (folder / "tiny" / "config.json").read_text() == "{}"
