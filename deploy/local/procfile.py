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


def own_env(env: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Process name → what only that process is told. They share a machine here, so each takes the
    private port (EUGPT_METRICS_PORT) as many further on as it stands in the table.
    """
    port = int(env.get("EUGPT_METRICS_PORT") or 0)
    return {
        name: {"EUGPT_METRICS_PORT": str(port + number if port else 0)}
        for number, name in enumerate(read_table())
    }


def commands(env: Mapping[str, str]) -> dict[str, str]:
    """Process name → the command line to run under `env`; KeyError names an unknown variable."""
    given = DEFAULTS | {name: env[name] for name in DEFAULTS if env.get(name)}
    values = {name: shlex.quote(value) for name, value in given.items()}
    return {
        name: string.Template(command).substitute(values) for name, command in read_table().items()
    }
