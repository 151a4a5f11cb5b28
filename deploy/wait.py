"""Wait until PostgreSQL and Redis answer, then become the given command.

    python -m deploy.wait uvicorn ...

A container may be started before its servers, after a reboot for example. The wait has a limit:
whoever starts containers sees one that fails, and starts it again. `deploy.release` waits, too.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import NoReturn

import psycopg
import redis

WAIT_S = 60.0
# No answer within this is none.
_TRY_S = 3
_PAUSE_S = 0.5


def wait_for_servers(database_url: str, redis_url: str, wait_s: float = WAIT_S) -> None:
    """Return once both answer; SystemExit says which one did not, and why."""
    deadline = time.monotonic() + wait_s
    _wait("PostgreSQL", lambda: _ask_postgres(database_url), psycopg.Error, deadline)
    _wait("Redis", lambda: _ask_redis(redis_url), redis.RedisError, deadline)


def _wait(name: str, ask: Callable[[], None], errors: type[Exception], deadline: float) -> None:
    is_said = False
    while True:
        try:
            ask()
        except errors as error:
            said = str(error).strip().splitlines()
            reason = said[0] if said else type(error).__name__
        else:
            return
        if time.monotonic() > deadline:
            sys.exit(f"EuGPT cannot start: {name} does not answer: {reason}")
        if not is_said:
            print(f"eugpt  | waiting for {name}: {reason}", flush=True)
            is_said = True
        time.sleep(_PAUSE_S)


def _ask_postgres(url: str) -> None:
    psycopg.connect(url, connect_timeout=_TRY_S).close()


def _ask_redis(url: str) -> None:
    # No retries: the waiting is done here.
    with redis.Redis.from_url(
        url, socket_timeout=_TRY_S, socket_connect_timeout=_TRY_S, retry=None
    ) as client:
        client.ping()


def stop_on_signals() -> None:
    """Leave at once when told to: process 1 of a container ignores what it does not handle."""

    def leave(number: int, _frame: object) -> NoReturn:
        os._exit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)


def main(command: list[str]) -> NoReturn:
    """Check the settings, wait, and be replaced by `command`."""
    stop_on_signals()
    from eugpt.config import ConfigError, config_load

    try:
        config = config_load()
    except ConfigError as error:
        sys.exit(f"EuGPT cannot start: {error}")
    wait_for_servers(config.database_url, config.redis_url)
    # Ignored signals would be handed on; handlers are not.
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
