"""Build the static front end (frontend/out) when, and only when, its sources changed."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.local.errors import SetupError
from deploy.local.node import find_npm
from deploy.local.paths import FRONTEND, ROOT

# Made by the tools, not by us; and what the build does not read.
NOT_SOURCES = {"node_modules", "out", ".next", "coverage", "test-results", "tests", "__tests__"}
MADE_SUFFIXES = (".tsbuildinfo", ".gen.d.ts", ".eugpt-types")
TYPES = ("src/lib/api/schema.gen.d.ts", "src/lib/chat/events.gen.d.ts")
# Where the pages say that they are (frontend/scripts/place.mjs).
PLACE = ("NEXT_PUBLIC_API_ORIGIN", "NEXT_PUBLIC_SITE_ORIGIN")
# What reads the types that are made from the backend's schema.
TYPED_SCRIPTS = {"lint", "typecheck"}
SCHEMA = ROOT / "var" / "schema"


def install(frontend: Path = FRONTEND) -> None:
    """`npm ci`, unless node_modules already holds what the lock file says."""
    # The lock file names the dependencies; the rest of package.json installs nothing.
    digest = _digest([frontend / "package-lock.json"], frontend)
    stamp = frontend / "node_modules" / ".eugpt-installed"
    if not _is_current(stamp, digest):
        print("Installing the front end's packages (npm ci) ...", flush=True)
        _npm(frontend, "ci", "--no-audit", "--no-fund")
        stamp.write_text(digest)


def build(frontend: Path = FRONTEND) -> bool:
    """Make frontend/out current; returns whether it had to be built."""
    place = [f"{name}={os.environ.get(name, '')}" for name in PLACE]
    digest = " ".join([_digest(_sources(frontend), frontend), *place])
    stamp = frontend / "out" / ".eugpt-built"
    if _is_current(stamp, digest) and (frontend / "out" / "index.html").exists():
        return False
    install(frontend)
    print("Building the front end (npm run build) ...", flush=True)
    _npm(frontend, "run", "build")
    stamp.write_text(digest)
    return True


def run_script(name: str, frontend: Path = FRONTEND) -> None:
    """`npm run NAME` with the Node.js that also builds."""
    install(frontend)
    if name in TYPED_SCRIPTS:
        make_types(frontend)
    _npm(frontend, "run", name)


def make_types(frontend: Path = FRONTEND) -> bool:
    """Make the page's types of the API current with the backend; whether they had to be made."""
    # Needs no server, and 1.2 s; only the code itself says what it describes.
    command = [sys.executable, "-m", "deploy.write_schema"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise SetupError("The API's description could not be written: see the message above.")
    digest = _digest([SCHEMA / "openapi.json", SCHEMA / "events.json"], SCHEMA)
    digest += _digest([frontend / "scripts" / "types.mjs"], frontend)
    stamp = frontend / ".eugpt-types"
    if _is_current(stamp, digest) and all((frontend / name).exists() for name in TYPES):
        return False
    _npm(frontend, "run", "types")
    stamp.write_text(digest)
    return True


def _npm(frontend: Path, *arguments: str) -> None:
    npm = find_npm()
    env = npm.env | {"NEXT_TELEMETRY_DISABLED": "1", "npm_config_update_notifier": "false"}
    command = [*npm.command, *arguments]
    if subprocess.run(command, cwd=frontend, env=env, check=False).returncode != 0:
        raise SetupError(f"`npm {' '.join(arguments)}` failed in {frontend}: see its output above.")


def _sources(frontend: Path) -> Iterator[Path]:
    if not (frontend / "package-lock.json").exists():
        raise SetupError(f"The front end is missing: {frontend} has no package-lock.json.")
    pending = [frontend]
    while pending:
        for path in sorted(pending.pop().iterdir()):
            if path.name in NOT_SOURCES or path.name.endswith(MADE_SUFFIXES):
                continue
            if path.is_dir():
                pending.append(path)
            elif path.name != "next-env.d.ts":  # rewritten by every build
                yield path


def _digest(files: Iterator[Path] | list[Path], base: Path) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(base)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _is_current(stamp: Path, digest: str) -> bool:
    return stamp.exists() and stamp.read_text() == digest
