"""Backup and restore with PostgreSQL's own tools on real data: all of it comes back, or nothing."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.apps import apps
from psycopg import sql

from accounts.models import User
from deploy.local import processes
from deploy.ops import database, manifest
from deploy.ops.__main__ import main
from deploy.ops.backup import PREFIX, Wish, backup, backups, prune
from deploy.ops.errors import OpsError
from deploy.ops.restore import SEEDED, forget, restore
from tests.deploy.conftest import names
from tests.support.servers import TestServers
from tests.support.stack import Stack
from tests.support.wire import PASSWORD, http, sse

pytestmark = pytest.mark.timeout(180)


def everything(url: str) -> dict[str, list[str]]:
    """Every row of every table, and where every sequence stands."""
    with psycopg.connect(url) as there:
        found = {
            name: [
                text
                for (text,) in there.execute(
                    sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1").format(sql.Identifier(name))
                )
            ]
            for name in database.tables(there)
        }
        sequences = "SELECT sequencename || ' ' || coalesce(last_value, 0) FROM pg_sequences"
        found["sequences"] = sorted(text for (text,) in there.execute(sequences))
        # By name: PostgreSQL writes conditions in other words once they were dumped.
        indexes = "SELECT indexname FROM pg_indexes WHERE schemaname = 'public'"
        found["indexes"] = sorted(text for (text,) in there.execute(indexes))
        limits = "SELECT conname || ' ' || contype::text FROM pg_constraint"
        found["constraints"] = sorted(text for (text,) in there.execute(limits))
    return found


def put_back(url: str, folder: Path, **options: bool) -> Any:
    env = {**os.environ, "EUGPT_MODELS_DIR": str(folder / "no-models")}
    return restore(url, env, folder, is_forced=options.get("is_forced", False))


def code_of(url: str, folder: Path, **options: bool) -> str:
    with pytest.raises(OpsError) as error:
        put_back(url, folder, **options)
    return error.value.code


def test_all_rows_of_all_tables_come_back(source: str, target: str, folder: Path) -> None:
    before = everything(source)
    assert [name for name, rows in before.items() if not rows] == [], "fill these, too"
    assert len(before) > len({model._meta.db_table for model in apps.get_models()})

    made = backup(source, os.environ, Wish(folder, keep=3))
    said = manifest.read(made)
    assert said.rows == {name: len(before[name]) for name in said.rows}
    assert said.checkpoint == {"name": "tiny", "path": "tiny", "sha256": "0" * 64}
    assert said.migrations
    assert not said.has_model_files

    done = put_back(target, made)
    assert everything(target) == before
    assert done.rows == sum(said.rows.values())
    assert done.kept == ""
    assert "tiny" in done.notes[0], "the model's files are missing, and that is said"


def test_a_backup_is_for_its_owner_only(source: str, folder: Path) -> None:
    made = backup(source, os.environ, Wish(folder, keep=3))
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in made.iterdir()} == {0o600}


def test_rows_written_meanwhile_are_in_all_of_it_or_in_none(source: str, folder: Path) -> None:
    """What the manifest counts and what pg_dump reads are one moment."""
    with psycopg.connect(source) as writer:
        writer.execute("UPDATE accounts_user SET username = username || 'x'")
        made = backup(source, os.environ, Wish(folder, keep=3))
        writer.rollback()
    assert manifest.read(made).rows["accounts_user"] == User.objects.count()


def test_what_is_damaged_or_foreign_is_refused_before_anything_is_touched(
    source: str, target: str, folder: Path
) -> None:
    made = backup(source, os.environ, Wish(folder, keep=3))
    before = names(source)
    dump, said = made / manifest.DUMP, made / manifest.MANIFEST
    bytes_, text = dump.read_bytes(), said.read_text()

    assert code_of(target, folder / "eugpt-nothing") == "no_such_backup"
    dump.write_bytes(bytes_[:-1])
    assert code_of(target, made) == "damaged_backup"
    dump.write_bytes(bytes_[:100] + bytes([bytes_[100] ^ 1]) + bytes_[101:])
    assert code_of(target, made) == "damaged_backup"
    dump.unlink()
    assert code_of(target, made) == "damaged_backup"
    dump.write_bytes(bytes_)
    for broken in ("", text[: len(text) // 2], "[]", "\0", text.replace('"tiny"', '"huge"')):
        said.write_text(broken)
        assert code_of(target, made) in ("damaged_backup", "foreign_backup")
    said.write_text('{"kind": "something else"}')
    assert code_of(target, made) == "foreign_backup"
    said.unlink()
    assert code_of(target, made) == "foreign_backup"
    assert names(source) == before


def resealed(made: Path, **changes: Any) -> None:
    """The manifest with other values, and a checksum that is right."""
    body = json.loads((made / manifest.MANIFEST).read_text())
    del body["checksum"]
    (made / manifest.MANIFEST).unlink()
    manifest.Manifest(**body | changes).write(made)


def test_a_backup_of_a_later_release_or_server_is_refused(
    source: str, target: str, folder: Path
) -> None:
    made = backup(source, os.environ, Wish(folder, keep=3))
    applied = manifest.read(made).migrations
    resealed(made, migrations=[*applied, "chat.9999_tomorrow"])
    assert code_of(target, made) == "newer_version"
    resealed(made, migrations=applied, server_major=99)
    assert code_of(target, made) == "older_server"


def test_a_restore_that_fails_on_the_way_leaves_nothing(
    source: str, target: str, folder: Path
) -> None:
    made = backup(source, os.environ, Wish(folder, keep=3))
    before = names(source)
    rows = manifest.read(made).rows
    resealed(made, rows={**rows, "accounts_user": rows["accounts_user"] + 1})
    assert code_of(target, made) == "rows_differ"
    dump = made / manifest.DUMP
    dump.write_bytes(b"PGDMP" + dump.read_bytes()[5:2000])
    resealed(made, files=manifest.described(made) | {})
    files = {manifest.DUMP: manifest.described(made)[manifest.DUMP]}
    resealed(made, files=files)
    assert code_of(target, made) == "restore_failed"
    assert names(source) == before


def test_a_database_with_people_in_it_is_replaced_only_when_told(
    source: str, target: str, folder: Path
) -> None:
    made = backup(source, os.environ, Wish(folder, keep=3))
    put_back(target, made)
    with psycopg.connect(target) as there:
        there.execute("UPDATE accounts_user SET username = 'later' WHERE username = 'boss'")
    later = everything(target)
    assert code_of(target, made) == "not_empty"
    assert everything(target) == later

    with psycopg.connect(target, autocommit=True) as visitor:
        done = put_back(target, made, is_forced=True)
        with pytest.raises(psycopg.OperationalError):
            visitor.execute("SELECT 1")
    assert everything(target) == everything(source)
    assert everything(database.named(target, done.kept)) == later, "the one of before is kept"
    for other in (database.name_of(target), "postgres", f"{database.name_of(target)}_before_1"):
        with pytest.raises(OpsError, match="not_kept"):
            forget(target, other)
    forget(target, done.kept)
    assert done.kept not in names(target)
    with pytest.raises(OpsError, match="not_kept"):
        forget(target, done.kept)


def test_a_fresh_installation_counts_as_empty_but_not_while_it_runs(
    source: str, target: str, folder: Path
) -> None:
    made = backup(source, os.environ, Wish(folder, keep=3))
    put_back(target, made)
    with psycopg.connect(target) as there:
        emptied = ", ".join(f'"{it}"' for it in database.tables(there) if it not in SEEDED)
        there.execute(f"TRUNCATE {emptied}")
    with psycopg.connect(target):
        assert code_of(target, made) == "in_use"
    assert put_back(target, made).kept == ""
    assert everything(target) == everything(source)


def test_old_backups_go_and_nothing_else_does(folder: Path) -> None:
    for day in range(10, 15):
        (folder / f"{PREFIX}202611{day}T000000Z").mkdir()
    (folder / "eugpt-by-hand").mkdir()
    (folder / ".partial-eugpt-20261101T000000Z").mkdir()
    os.utime(folder / ".partial-eugpt-20261101T000000Z", (0, 0))
    prune(folder, keep=2)
    assert [path.name[6:14] for path in backups(folder)] == ["20261113", "20261114"]
    assert {path.name for path in folder.iterdir()} == {
        "eugpt-20261113T000000Z", "eugpt-20261114T000000Z", "eugpt-by-hand",
    }  # fmt: skip


@pytest.mark.e2e
async def test_people_go_on_in_the_restored_installation(
    stack: Stack,
    servers: TestServers,
    target: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By the command line, of a running stack; then a second stack on what came back."""
    account = {"username": "restored_ana", "password": PASSWORD}
    params = {"max_tokens": 12, "seed": 3}
    async with http(stack) as client:
        signed_up = await client.post("/api/auth/register", json=account)
        assert signed_up.status_code == 201, signed_up.text
    async with http(stack, signed_up.json()["token"]) as client:
        body = {"message": "hello there", "params": params}
        told = await sse(client, "POST", "/api/chat", json=body)
    assert told[-1][0] == "done"

    arguments = ["ops", "backup", "--folder", str(folder), "--with-model"]
    monkeypatch.setenv("EUGPT_MODELS_DIR", stack.env["EUGPT_VAR_DIR"])
    monkeypatch.setenv("DATABASE_URL", stack.env["DATABASE_URL"])
    monkeypatch.setattr("sys.argv", arguments)
    assert main() == 0
    monkeypatch.setenv("DATABASE_URL", target)
    monkeypatch.setattr("sys.argv", ["ops", "restore", "--folder", str(folder), "latest"])
    assert main() == 0, capsys.readouterr().err
    assert stack.env["DATABASE_URL"] not in capsys.readouterr().out

    directory = folder / "stack"
    directory.mkdir()
    valkey = servers.new_valkey("restored-valkey")
    env = {
        **stack.env,
        "DATABASE_URL": target,
        "REDIS_URL": valkey.start(),
        "PORT": str(processes.free_port()),
    }
    second = Stack(directory, env)
    try:
        second.ensure_running()
        async with http(second) as client:
            signed_in = await client.post("/api/auth/login", json=account)
            assert signed_in.status_code == 200, signed_in.text
        async with http(second, signed_in.json()["token"]) as client:
            [found] = [it["id"] for it in (await client.get("/api/conversations")).json()]
            body = {"message": "and then?", "conversation_id": found, "params": params}
            told = await sse(client, "POST", "/api/chat", json=body)
            shown = (await client.get(f"/api/conversations/{found}")).json()
        assert told[-1][0] == "done"
        assert len(shown["messages"]) == 4
        assert shown["messages"][-1]["content"] == told[-1][2]["full_text"]
    finally:
        second.stop()
        valkey.stop()
