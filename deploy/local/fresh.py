"""A fresh EuGPT for one measurement, in a folder that goes away with it.

The same servers and processes as `make run`, on free ports, with limits off.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local import launcher, processes, procfile, supervisor
from deploy.local.errors import SetupError
from deploy.local.health import wait_until_healthy
from deploy.local.paths import VarDir
from deploy.local.services import services


@dataclass(frozen=True)
class Installation:
    """Where it answers, and the environment of its processes."""

    url: str
    env: Mapping[str, str]


@contextmanager
def fresh_installation(defaults: Mapping[str, str]) -> Iterator[Installation]:
    """Start one and wait until all is well; the environment overrides `defaults`.

    Takes over the signals of this process: raises `launcher.Stopped` when told to stop.
    """
    launcher.stop_on_signals()
    processes.adopt_orphans()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="eugpt-fresh-"))
        stack.callback(processes.end_descendants)
        var = VarDir(Path(folder))
        var.root.chmod(0o755)  # root's PostgreSQL runs as another user
        var.create()
        env = {
            **defaults,
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
        yield Installation(f"http://127.0.0.1:{env['PORT']}", env)


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
