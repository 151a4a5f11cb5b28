"""The process table (deploy/Procfile): read it and fill in its variables."""

import shlex
import string
from collections.abc import Mapping
from pathlib import Path

from deploy.local.paths import PROCFILE

# What a process line may name and `.env.example` documents; deploy/entrypoint.sh has the same.
DEFAULTS = {
    "BIND": "127.0.0.1",
    "PORT": "8000",
    "EUGPT_SLOTS": "32",
    "EUGPT_LOG_LEVEL": "INFO",
    "EUGPT_VAR_DIR": "var",
}


def read_table(path: Path = PROCFILE) -> dict[str, str]:
    """Process name → command line with its $VARIABLES still in it, in the file's order."""
    lines = (line.strip() for line in path.read_text().splitlines())
    entries = (line.split(":", 1) for line in lines if line and not line.startswith("#"))
    return {name.strip(): command.strip() for name, command in entries}


def commands(env: Mapping[str, str]) -> dict[str, str]:
    """Process name → the command line to run under `env`; KeyError names an unknown variable."""
    given = DEFAULTS | {name: env[name] for name in DEFAULTS if env.get(name)}
    values = {name: shlex.quote(value) for name, value in given.items()}
    return {
        name: string.Template(command).substitute(values) for name, command in read_table().items()
    }
