"""What a run stands on: a EuGPT (a fresh one, or the one at `host`), Locust, a folder."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.load.record import FOLDER_VARIABLE
from deploy.local.errors import SetupError
from deploy.local.fresh import fresh_installation
from deploy.local.paths import ROOT

VENV = ROOT / "var" / "load" / "venv"
# What the environment may say otherwise. Under load slots are free for as many people. The soak has
# few, so that each has been full in the warm-up: keys and values are taken when first written, and
# the last pages of 64 contexts come so late that they look like a leak.
DEFAULTS = {
    "load": {"EUGPT_SLOTS": "32"},
    "soak": {"EUGPT_SLOTS": "8", "EUGPT_KEPT_CONTEXTS": "4"},
}
_STOP_TIMEOUT_S = 90  # Locust lets the replies under way end


@contextmanager
def target(host: str, defaults: Mapping[str, str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The address to load, and the environment of its processes ({} for a running one)."""
    if host:
        yield host.rstrip("/"), {}
        return
    with fresh_installation(defaults) as installation:
        yield installation.url, installation.env


def locust(url: str, folder: Path, arguments: Sequence[str]) -> int:
    """Run Locust to its end; its exit code is 1 when a request or a reply failed."""
    program = VENV / "bin" / "locust"
    if not program.exists():
        raise SetupError("Locust is not installed: `make load` and `make soak` install it.")
    command = [
        program, "-f", "deploy/load/locustfile.py", "--host", url,
        "--stop-timeout", str(_STOP_TIMEOUT_S), "--exit-code-on-error", "1", *arguments,
    ]  # fmt: skip
    env = {
        **os.environ, FOLDER_VARIABLE: str(folder), "PYTHONPATH": str(ROOT), "NO_PROXY": "*",
        "LOCUST_SKIP_UPDATE_CHECK": "1",
    }  # fmt: skip
    return subprocess.run(
        [str(part) for part in command], cwd=ROOT, env=env, check=False
    ).returncode


def new_folder(kind: str, out: Path) -> Path:
    """Where a run's logs and report go."""
    folder = out / f"{kind}-{time.strftime('%Y%m%d-%H%M%S')}"
    folder.mkdir(parents=True)
    return folder.resolve()
