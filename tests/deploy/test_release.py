"""`deploy.release` and deploy/entrypoint.sh, run as plain processes against real servers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg
import pytest

from deploy.local import procfile
from deploy.local.paths import ROOT
from deploy.local.processes import free_port
from deploy.release import LOCK
from tests.support.servers import TestServers
from tests.support.tiny_model import build_tiny_checkpoint

ENTRYPOINT = ROOT / "deploy" / "entrypoint.sh"
FAKE_PROGRAM = '#!/bin/sh\nprintf "%s" "$(basename "$0")"\nprintf " %s" "$@"\n'
WAIT_S = 60


@pytest.fixture
def env(servers: TestServers, tmp_path: Path) -> dict[str, str]:
    """The environment of containers with a database of their own, still empty."""
    build_tiny_checkpoint(tmp_path / "models" / "eugpt-tiny")
    name = f"eugpt_release_{os.getpid()}_{time.monotonic_ns()}"
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DATABASE_URL": servers.postgres.create_database(name),
        "REDIS_URL": servers.valkey.url,
        "EUGPT_MODELS_DIR": str(tmp_path / "models"),
        "EUGPT_MODEL": "eugpt-tiny",
        "EUGPT_VAR_DIR": str(tmp_path),
    }


def enter(env: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    """Start the entrypoint; what it prints can be read."""
    return subprocess.Popen(
        [ENTRYPOINT, *arguments],
        env=env,
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def output(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=WAIT_S * 3)
    return said


def test_release_migrates_once_when_several_start_together(env: dict[str, str]) -> None:
    releases = [enter(env, "release") for _ in range(2)]
    said = [output(release) for release in releases]
    assert [release.returncode for release in releases] == [0, 0], said
    assert sorted("Applying chat.0001_initial" in one for one in said) == [False, True]
    with psycopg.connect(env["DATABASE_URL"]) as connection:
        rows = connection.execute(
            "SELECT count(*), count(DISTINCT (app, name)) FROM django_migrations"
        ).fetchone()
        checkpoints = connection.execute("SELECT count(*) FROM inference_checkpoint").fetchone()
    assert rows is not None
    assert rows[0] == rows[1] > 20
    assert checkpoints == (1,)


def test_release_waits_for_another_and_leaves_when_told_to(env: dict[str, str]) -> None:
    with psycopg.connect(env["DATABASE_URL"], autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        release = enter(env, "release")
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        deadline = time.monotonic() + WAIT_S
        while other.execute(waiting).fetchone() == (0,) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert other.execute(waiting).fetchone() == (1,)
        release.send_signal(signal.SIGTERM)
        output(release)
        assert release.returncode == 128 + signal.SIGTERM
        tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert other.execute(tables).fetchone() == (0,)


def test_release_says_that_a_table_is_in_use(env: dict[str, str]) -> None:
    with psycopg.connect(env["DATABASE_URL"]) as backup:
        backup.execute(
            "CREATE TABLE django_migrations (id bigserial PRIMARY KEY, app varchar(255) NOT NULL,"
            " name varchar(255) NOT NULL, applied timestamptz NOT NULL)"
        )
        backup.commit()
        backup.execute("LOCK TABLE django_migrations")
        # Shorter than ours, which a URL may do.
        url = f"{env['DATABASE_URL']}?options=-c%20lock_timeout%3D300"
        release = enter(env | {"DATABASE_URL": url}, "release")
        said = output(release)
    assert release.returncode == 1
    assert "EuGPT cannot start: a migration needs a table that is in use" in said
    assert "Traceback" not in said


def test_entrypoint_runs_what_the_launcher_runs(tmp_path: Path, env: dict[str, str]) -> None:
    given = {"BIND": "0.0.0.0", "PORT": "8123", "EUGPT_SLOTS": "3", "EUGPT_VAR_DIR": "elsewhere"}
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    for program in ("uvicorn", "celery"):
        (bin_dir / program).write_text(FAKE_PROGRAM)
        (bin_dir / program).chmod(0o755)
    env |= given | {"PATH": f"{bin_dir}{os.pathsep}{env['PATH']}"}
    started = {name: enter(env, name) for name in procfile.read_table()}
    assert {name: output(one) for name, one in started.items()} == procfile.commands(given)


def test_entrypoint_runs_any_other_command(env: dict[str, str]) -> None:
    for command in (["/bin/echo", "a b"], ["echo", "a b"]):
        other = enter(env, *command)
        assert output(other) == "a b\n"
        assert other.returncode == 0


def test_entrypoint_waits_for_servers_and_leaves_when_told_to(env: dict[str, str]) -> None:
    port = free_port()
    nowhere = f"postgresql://eugpt:none@127.0.0.1:{port}/eugpt"
    waiting = enter(env | {"DATABASE_URL": nowhere}, "beat")
    assert waiting.stdout is not None
    assert "waiting for PostgreSQL" in waiting.stdout.readline()
    waiting.send_signal(signal.SIGTERM)
    output(waiting)
    assert waiting.returncode == 128 + signal.SIGTERM


def test_entrypoint_hands_signals_to_the_process(tmp_path: Path, env: dict[str, str]) -> None:
    beat = enter(env, "beat")
    deadline = time.monotonic() + WAIT_S
    # It writes its schedule once it runs.
    while not list(tmp_path.glob("celerybeat-schedule*")) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "deploy.wait" not in Path(f"/proc/{beat.pid}/cmdline").read_text()
    beat.send_signal(signal.SIGTERM)
    output(beat)
    assert beat.returncode == 0, "Celery ends by itself; a shell in between would be killed"


def test_entrypoint_names_a_bad_setting_in_one_line(env: dict[str, str]) -> None:
    bad = enter(env | {"EUGPT_NO_SUCH": "1"}, "web")
    said = output(bad)
    assert bad.returncode == 1
    assert said.splitlines() == [
        "EuGPT cannot start: EUGPT_NO_SUCH is not a setting of EuGPT (see .env.example)"
    ]


def test_alive_fails_where_nobody_listens(env: dict[str, str]) -> None:
    alive = enter(env, "alive", str(free_port()))
    assert "does not answer" in output(alive)
    assert alive.returncode == 1
