"""EuGPT's WebSocket protocol, made quick to watch: short patience, small buffers, and a probe.

A web process that runs it writes the names of its tasks to a file when it gets SIGUSR1.
"""

import asyncio
import json
import os
import signal
import socket
from collections import Counter
from pathlib import Path
from typing import Any

from eugpt.websocket import BoundedWebSocketProtocol


class ProbedProtocol(BoundedWebSocketProtocol):
    stall_s = 3.0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        self.loop.add_signal_handler(signal.SIGUSR1, write_tasks)


def tasks_file(pid: int) -> Path:
    return Path(os.environ["EUGPT_VAR_DIR"]) / f"tasks-{pid}.json"


def write_tasks() -> None:
    """How many tasks of each coroutine there are, but the one that called."""
    names = Counter(getattr(t.get_coro(), "__qualname__", "?") for t in asyncio.all_tasks())
    target = tasks_file(os.getpid())
    aside = target.with_suffix(".new")
    aside.write_text(json.dumps(names))
    aside.replace(target)
