"""The command line `python -m deploy.ops`: backup, restore, drop, verify, list."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.local import launcher
from deploy.local.errors import SetupError
from deploy.local.paths import ROOT
from deploy.ops import database, manifest
from deploy.ops.backup import Wish, backup, backups
from deploy.ops.errors import OpsError
from deploy.ops.restore import forget, restore

KEEP = 14


def main() -> int:
    """Parse the command line and do it; OpsError becomes one sentence and exit code 1."""
    options = _parser().parse_args()
    launcher.stop_on_signals()  # a PostgreSQL that was started for this ends, half a backup goes
    env = launcher.base_env()
    folder = Path(options.folder) if options.folder else _default_folder(env)
    try:
        if options.command == "backup":
            _backup(env, Wish(folder, options.keep, options.with_model))
        elif options.command == "restore":
            _restore(env, _named(folder, options.name), is_forced=options.force)
        elif options.command == "drop":
            with database.database_url(env) as url:
                forget(url, options.name)
            print(f"{options.name} is gone.")
        elif options.command == "verify":
            _verify(_named(folder, options.name))
        else:
            _list(folder)
    except SetupError as error:
        print(f"EuGPT: {error}", file=sys.stderr)
    except launcher.Stopped:
        print("EuGPT: stopped before the end.", file=sys.stderr)
    else:
        return 0
    return 1


def _backup(env: Mapping[str, str], wish: Wish) -> None:
    with database.database_url(env) as url:
        made = backup(url, env, wish)
    said = manifest.read(made)
    size = sum(file["bytes"] for file in said.files.values())
    print(f"{made}: {sum(said.rows.values())} rows, {size / 1024**2:.1f} MB")
    print(f"Not in it: {said.not_included}.")


def _restore(env: Mapping[str, str], folder: Path, *, is_forced: bool) -> None:
    with database.database_url(env) as url:
        done = restore(url, env, folder, is_forced=is_forced)
    print(f"{folder.name} is restored: {done.rows} rows, migrated.")
    if done.kept:
        print(f"The database of before is still there as {done.kept}.")
        print(f"When all is well: python -m deploy.ops drop {done.kept}")
    for note in done.notes:
        print(note)


def _verify(folder: Path) -> None:
    said = manifest.read(folder)
    manifest.verify_files(folder, said)
    print(f"{folder.name} is whole: {len(said.files)} files, {sum(said.rows.values())} rows.")


def _list(folder: Path) -> None:
    for path in backups(folder):
        try:
            said = manifest.read(path)
            size = sum(file["bytes"] for file in said.files.values())
            print(f"{path.name}  {size / 1024**2:8.1f} MB  {sum(said.rows.values()):9} rows  "
                  f"EuGPT {said.version} {said.commit[:9]}")  # fmt: skip
        except OpsError as error:
            print(f"{path.name}  {error}")


def _default_folder(env: Mapping[str, str]) -> Path:
    named = env.get("BACKUP_DIR") or Path(env.get("EUGPT_VAR_DIR") or "var") / "backups"
    return ROOT / named


def _named(folder: Path, name: str) -> Path:
    """A backup by its name, by its path, or the newest one for "latest"."""
    if not name:
        raise OpsError("no_such_backup", "Which one? BACKUP=latest, or a name of `make backups`.")
    if name == "latest":
        found = backups(folder)
        if not found:
            raise OpsError("no_such_backup", f"There is no backup in {folder}.")
        return found[-1]
    return Path(name) if "/" in name else folder / name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.ops", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("backup", help="of a running EuGPT, or of DATABASE_URL")
    make.add_argument("--keep", type=_positive, default=KEEP, help="the newest ones that stay")
    make.add_argument("--with-model", action="store_true", help="the active checkpoint, too")
    put_back = commands.add_parser("restore", help="into the database of this installation")
    put_back.add_argument("--force", action="store_true", help="replace what is in it")
    look = commands.add_parser("verify", help="is a backup whole?")
    drop = commands.add_parser("drop", help="a database of before, which a restore has kept")
    drop.add_argument("name", help="as the restore has said it")
    for command in (put_back, look):
        command.add_argument("name", help="a name in the folder, a path, or latest")
    everything = commands.add_parser("list", help="all backups")
    for command in (make, put_back, drop, look, everything):
        command.add_argument("--folder", default="", help="where backups are (var/backups)")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 10_000:
        raise argparse.ArgumentTypeError("from 1 to 10000")
    return number


if __name__ == "__main__":
    sys.exit(main())
