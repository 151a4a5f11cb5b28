"""`make bench-chat`: `manage.py bench_chat` against a fresh EuGPT, with its settings."""

import subprocess
import sys
from collections.abc import Sequence

from deploy.local import launcher
from deploy.local.fresh import fresh_installation
from deploy.local.paths import ROOT

# Slots are free for as many clients; EUGPT_SLOTS in the environment says otherwise.
DEFAULT_SLOTS = "32"


def run(arguments: Sequence[str]) -> int:
    """Start everything, run `bench_chat` with these arguments, end everything."""
    try:
        with fresh_installation({"EUGPT_SLOTS": DEFAULT_SLOTS}) as installation:
            url = f"{installation.url.replace('http', 'ws')}/ws/chat/"
            command = [sys.executable, "manage.py", "bench_chat", "--url", url, *arguments]
            env = dict(installation.env)
            return subprocess.run(command, cwd=ROOT, env=env, check=False).returncode
    except launcher.Stopped:
        return 1
