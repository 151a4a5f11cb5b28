"""What Locust loads: the people, and a line each second that says how many there are.

`locust -f deploy/load/locustfile.py --host https://…` from the root; `make load` does it.
"""

from __future__ import annotations

from typing import Any

import gevent
from locust import events
from locust.runners import MasterRunner

from deploy.load.people import record
from deploy.load.people_http import Guest, Member, Program
from deploy.load.people_socket import SocketGuest, SocketMember

__all__ = ["Guest", "Member", "Program", "SocketGuest", "SocketMember"]


@events.init.add_listener
def count_users(environment: Any, **_: Any) -> None:
    """Write how many people are here, from every process that has some."""

    def count() -> None:
        while True:
            record.users(environment.runner.user_count)
            gevent.sleep(1)

    if not isinstance(environment.runner, MasterRunner):
        gevent.spawn(count)
