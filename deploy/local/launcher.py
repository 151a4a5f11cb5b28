"""`make run`: bring the whole of EuGPT up, keep it up, take it down in order.

Order of start: checks, front end, servers, database, checkpoint, app processes. Stopping goes
the other way round, so PostgreSQL and Valkey outlive what uses them.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from dotenv import dotenv_values

from deploy.local import checks, frontend, processes, procfile, supervisor
from deploy.local.errors import SetupError
from deploy.local.health import wait_until_healthy
from deploy.local.logs import LogFollower
from deploy.local.paths import ROOT, VarDir
from deploy.local.secret import read_or_create
from deploy.local.services import announced, running_urls, services

HEALTH_TIMEOUT_S = 180
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """The user asked us to end (Ctrl-C, SIGTERM or a closed terminal)."""


def base_env() -> dict[str, str]:
    """The environment of every child: ours, over what .env says."""
    env_file = os.environ.get("EUGPT_ENV_FILE", ".env")
    said = dotenv_values(ROOT / env_file) if env_file else {}
    bin_dir = Path(sys.executable).parent
    path = {"PATH": f"{bin_dir}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    return {name: value for name, value in said.items() if value} | os.environ | path


def var_dir(env: Mapping[str, str]) -> VarDir:
    """The installation's state directory, created."""
    var = VarDir((ROOT / (env.get("EUGPT_VAR_DIR") or "var")).resolve())
    var.create()
    return var


def app_env(env: Mapping[str, str], var: VarDir) -> dict[str, str]:
    """`env` with what every Django process needs and the user need not set."""
    return {
        **env,
        "PORT": str(checks.port_of(env)),
        "EUGPT_VAR_DIR": str(var.root),
        "EUGPT_SECRET_KEY": env.get("EUGPT_SECRET_KEY") or read_or_create(var.root / "secret_key"),
    }


def run() -> int:
    """Run EuGPT until it is told to stop; returns the exit code."""
    stop_on_signals()
    processes.adopt_orphans()
    started = time.monotonic()
    try:
        with ExitStack() as stack:
            stack.callback(processes.end_descendants)
            env = base_env()
            var = _checked(env, stack)
            if frontend.build():
                say("The front end is built")
            urls = stack.enter_context(services(var, env, say))
            stack.enter_context(announced(var, urls))
            env = app_env(env, var) | urls
            prepare(env)
            _serve(var, env, started, stack)
    except Stopped:
        say("EuGPT has stopped")
        return 0
    return 1


def manage(arguments: list[str]) -> int:
    """Run a Django management command against the installation, started for it if need be."""
    env = base_env()
    var = var_dir(env)
    with ExitStack() as stack:
        is_alone = stack.enter_context(checks.run_lock(var))
        if is_alone:
            urls = stack.enter_context(services(var, env, lambda _: None))
        else:
            urls = running_urls(var)
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=app_env(env, var) | urls, check=False
        ).returncode


def say(text: str) -> None:
    print(f"eugpt  | {text}", flush=True)


def stop_on_signals() -> None:
    """Turn the first stop signal into Stopped; further ones must not disturb the clean-up."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        say("Stopping ...")
        raise Stopped

    for number in STOP_SIGNALS:
        signal.signal(number, stop)


def _checked(env: Mapping[str, str], stack: ExitStack) -> VarDir:
    """Everything that can be refused at once, before anything is built or started."""
    var = var_dir(env)
    if not stack.enter_context(checks.run_lock(var)):
        raise SetupError(f"EuGPT is already running with the data in {var.root}: stop it first.")
    checks.check_disk(var.root)
    checks.check_port(env.get("BIND") or procfile.DEFAULTS["BIND"], checks.port_of(env))
    return var


def prepare(env: Mapping[str, str]) -> None:
    """Bring the database up to date and the released checkpoint into it; both do so once."""
    say("Migrating the database and loading the checkpoint")
    command = [sys.executable, "-m", "deploy.release", "--quiet"]
    if subprocess.run(command, cwd=ROOT, env=env, check=False).returncode != 0:
        raise SetupError("The database could not be prepared: see the message above.")


def _serve(var: VarDir, env: dict[str, str], started: float, stack: ExitStack) -> None:
    """Start the app processes and stay until supervisord ends or a signal comes."""
    commands = procfile.commands(env)
    say(f"Starting {', '.join(commands)} (logs in {var.log})")
    follower = LogFollower(var.log, commands)
    follower.start()
    stack.callback(follower.stop)
    child = supervisor.start(var, commands, env)
    stack.callback(supervisor.stop, child)
    base_url = f"http://127.0.0.1:{env['PORT']}"
    seen = wait_until_healthy(
        base_url, is_alive=lambda: child.poll() is None, timeout_s=HEALTH_TIMEOUT_S
    )
    if seen:
        raise SetupError(f"EuGPT did not become healthy; {base_url}/api/health says: {seen}")
    say(f"EuGPT is ready after {time.monotonic() - started:.0f} s: {base_url} (Ctrl-C stops it)")
    child.wait()
    raise SetupError(f"supervisord ended by itself; see {var.log / 'supervisord.log'}.")
