"""`make bench-chat`: a fresh EuGPT for one load test, in a folder that goes away with it.

The same servers and processes as `make run`, on free ports, with limits off; the test itself is
`manage.py bench_chat`, run with the settings of that installation.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from deploy.local import launcher, processes, procfile, supervisor
from deploy.local.errors import SetupError
from deploy.local.health import wait_until_healthy
from deploy.local.paths import ROOT, VarDir
from deploy.local.services import services

# Slots are free for as many clients; EUGPT_SLOTS in the environment says otherwise.
DEFAULT_SLOTS = "32"


def run(arguments: Sequence[str]) -> int:
    """Start everything, run `bench_chat` with these arguments, end everything."""
    launcher.stop_on_signals()
    processes.adopt_orphans()
    try:
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="eugpt-bench-"))
            stack.callback(processes.end_descendants)
            var = VarDir(Path(folder))
            var.root.chmod(0o755)  # root's PostgreSQL runs as another user
            var.create()
            return _bench(var, arguments, stack)
    except launcher.Stopped:
        return 1


def _bench(var: VarDir, arguments: Sequence[str], stack: ExitStack) -> int:
    env = {
        "EUGPT_SLOTS": DEFAULT_SLOTS,
        **launcher.base_env(),
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "PORT": str(processes.free_port()),
        "EUGPT_VAR_DIR": str(var.root),
        "EUGPT_LIMITS": "off",
    }
    urls = stack.enter_context(services(var, env, launcher.say))
    env = launcher.app_env(env, var) | urls
    launcher.prepare(env)
    _serve(var, env, stack)
    url = f"ws://127.0.0.1:{env['PORT']}/ws/chat/"
    command = [sys.executable, "manage.py", "bench_chat", "--url", url, *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, check=False).returncode


def _serve(var: VarDir, env: dict[str, str], stack: ExitStack) -> None:
    """Start the app processes and wait until all is well; SetupError shows their last words."""
    child = supervisor.start(var, procfile.commands(env), env)
    stack.callback(supervisor.stop, child)
    seen = wait_until_healthy(
        f"http://127.0.0.1:{env['PORT']}",
        is_alive=lambda: child.poll() is None,
        timeout_s=launcher.HEALTH_TIMEOUT_S,
    )
    if seen:
        logs = "\n".join(processes.last_lines(path) for path in sorted(var.log.glob("*.log")))
        raise SetupError(f"EuGPT did not become healthy ({seen}); its logs end:\n{logs}")
