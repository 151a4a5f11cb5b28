"""What a backup says of itself, and whether it can be believed.

A backup is a folder: `database.dump` (pg_dump's own format), `manifest.json` and, where asked for,
the active checkpoint's files. It gets its name only when it is complete.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from deploy.local.paths import ROOT
from deploy.ops.errors import OpsError

FORMAT = 1
KIND = "EuGPT backup"
DUMP = "database.dump"
MANIFEST = "manifest.json"
MANIFEST_MAX_BYTES = 4 * 1024**2
_CHUNK = 1024**2


@dataclass(frozen=True)
class Manifest:
    """`files`: path in the backup → size and SHA-256; `rows`: table → how many."""

    made_at: str
    version: str
    commit: str
    server_major: int
    migrations: list[str]
    rows: dict[str, int]
    checkpoint: dict[str, str] | None
    has_model_files: bool
    files: dict[str, dict[str, Any]]
    kind: str = KIND
    format: int = FORMAT
    # What is in Redis alone and therefore in no backup.
    not_included: str = field(
        default="guests' and temporary chats of the last hour, what waits in the queue, limits"
    )

    def write(self, folder: Path) -> None:
        body = asdict(self)
        text = json.dumps(body | {"checksum": _checksum(body)}, indent=1, sort_keys=True)
        write_private(folder / MANIFEST, text.encode())


def read(folder: Path) -> Manifest:
    """The manifest of a backup, checked against itself; OpsError says what is wrong."""
    path = folder / MANIFEST
    if not folder.is_dir():
        raise OpsError("no_such_backup", f"There is no backup {folder}: see `make backups`.")
    if not path.is_file():
        raise OpsError("foreign_backup", f"{folder} has no {MANIFEST}: no backup of EuGPT.")
    try:
        if path.stat().st_size > MANIFEST_MAX_BYTES:
            raise ValueError("too large")
        body = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(body, dict) or body.get("kind") != KIND:
            raise OpsError("foreign_backup", f"{path} is not the manifest of a backup of EuGPT.")
        if body.get("format") != FORMAT:
            raise OpsError("newer_version", f"{folder} was made by another EuGPT: use that one.")
        if body.pop("checksum", "") != _checksum(body):
            raise ValueError("its checksum differs")
        return Manifest(**body)
    except (ValueError, TypeError, UnicodeDecodeError) as error:
        raise OpsError("damaged_backup", f"{path} is damaged: {error}.") from error


def verify_files(folder: Path, manifest: Manifest) -> None:
    """Every file is there as it was written; OpsError names the first that is not."""
    if DUMP not in manifest.files:
        raise OpsError("damaged_backup", f"{folder} lists no {DUMP}.")
    for name, said in manifest.files.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
            raise OpsError("damaged_backup", f"{folder} lacks its file {name}.")
        if path.stat().st_size != said["bytes"]:
            raise OpsError(
                "damaged_backup",
                f"{path} has {path.stat().st_size} bytes instead of {said['bytes']}.",
            )
        if sha256(path) != said["sha256"]:
            raise OpsError("damaged_backup", f"The checksum of {path} differs: it was changed.")


def described(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and SHA-256 of all files in a folder."""
    return {
        path.relative_to(folder).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": sha256(path),
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def write_private(path: Path, data: bytes) -> None:
    """A file that only its owner can read, on the disk when this returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def eugpt_version() -> str:
    package = ROOT / "frontend" / "package.json"
    if package.is_file():
        return str(json.loads(package.read_text(encoding="utf-8"))["version"])
    return os.environ.get("IMAGE_VERSION", "unknown")  # of a container


def eugpt_commit() -> str:
    if shutil.which("git") is None:
        return os.environ.get("IMAGE_REVISION", "unknown")
    done = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    known = done.stdout.strip() if done.returncode == 0 else ""
    return known or os.environ.get("IMAGE_REVISION", "unknown")


def _checksum(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
