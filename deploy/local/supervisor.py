"""The app processes under supervisord: its configuration, its start, its stop."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.local import processes, procfile
from deploy.local.paths import ROOT, VarDir

HEADER = """\
; Written by `make run` at every start: change deploy/Procfile instead.
[supervisord]
nodaemon=true
silent=true
logfile={log}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=1
pidfile={run}/supervisord.pid
childlogdir={log}
{user}

; One group: its processes are stopped side by side, not one after the other.
[group:eugpt]
programs={programs}
"""

# stopwaitsecs is longer than the web server's 10 s of graceful shutdown.
PROGRAM = """
[program:{name}]
command={command}
environment={environment}
directory={root}
autostart=true
autorestart=true
startsecs=2
startretries=1000
stopsignal=TERM
stopwaitsecs=15
killasgroup=true
redirect_stderr=true
stdout_logfile={log_twice}/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""


def write_config(var: VarDir, commands: Mapping[str, str], env: Mapping[str, str]) -> Path:
    """Write var/supervisord.conf for these processes; secrets stay in the environment."""
    own = procfile.own_env(env)
    header = HEADER.format(
        log=_escape(var.log),
        run=_escape(var.run),
        user="user=root" if os.geteuid() == 0 else "",  # says "as root" is meant
        programs=",".join(commands),
    )
    programs = (
        PROGRAM.format(
            name=name,
            command=_escape(command),
            environment=",".join(f'{key}="{value}"' for key, value in own.get(name, {}).items()),
            root=_escape(ROOT),
            log_twice=_escape(_escape(var.log)),  # this one supervisord expands twice
        )
        for name, command in commands.items()
    )
    config = var.root / "supervisord.conf"
    config.write_text(header + "".join(programs))
    return config


def start(
    var: VarDir, commands: Mapping[str, str], env: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start supervisord in the foreground of its own session; the programs inherit `env`."""
    config = write_config(var, commands, env)
    return processes.start(
        [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", config],
        log=var.log / "supervisord.log",
        cwd=ROOT,
        env=env,
    )


def stop(supervisor: subprocess.Popen[bytes]) -> None:
    """End the programs, then supervisord; the grace covers its own stopwaitsecs."""
    processes.stop(supervisor, grace_s=25)


def _escape(value: str | Path) -> str:
    """supervisord expands %(name)s in every value."""
    return str(value).replace("%", "%%")
