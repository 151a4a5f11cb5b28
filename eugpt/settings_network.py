"""How long a connection to PostgreSQL or Redis is believed that says nothing.

A machine or a wire that goes away ends no connection: TCP alone would wait a quarter of an hour
for an answer, and for ever where nothing was asked. All numbers: docs/delivery.md.
"""

import socket
from typing import Any

from psycopg.conninfo import conninfo_to_dict
from redis.connection import SSLConnection, parse_url

# What was sent and is not acknowledged, or a peer that does not answer probes, for so long: dead.
ANSWER_S = 10
_PROBE_AFTER_S, _PROBE_EVERY_S, _PROBES = 5, 2, 3
# A transaction that waits for its client holds locks; others wait for them.
_IDLE_TRANSACTION_S = 10
# A migration or a hand at psql may hold a table: whoever asks is told so (503) and does not hang.
# Migrations wait no longer, either: behind one that waits for its lock everybody else would.
_LOCK_S = 10


def _redis_socket() -> dict[str, Any]:
    """Arguments of every client of Redis; what a system does not know is left out."""
    wanted = {
        "TCP_KEEPIDLE": _PROBE_AFTER_S,
        "TCP_KEEPINTVL": _PROBE_EVERY_S,
        "TCP_KEEPCNT": _PROBES,
        # Without it there are no probes while something sent is not acknowledged.
        "TCP_USER_TIMEOUT": ANSWER_S * 1000,
    }
    options = {getattr(socket, name): n for name, n in wanted.items() if hasattr(socket, name)}
    return {"socket_keepalive": True, "socket_keepalive_options": options}


REDIS_SOCKET = _redis_socket()


def broker_tls(url: str) -> dict[str, Any] | None:
    """What Celery must be told of a rediss:// URL: by itself it would check no certificate.

    redis-py's own clients read the same from the URL and check by default.
    """
    options: dict[str, Any] = dict(parse_url(url))  # type: ignore[no-untyped-call]
    if not issubclass(options.get("connection_class", object), SSLConnection):
        return None
    given = {name: value for name, value in options.items() if name.startswith("ssl_")}
    return {"ssl_cert_reqs": "required", "ssl_check_hostname": True, **given}


# Parameters of libpq. The server is told the same of its side: it would keep the locks of a
# client that has vanished for two hours. A pooler in between may not pass `options` on: a
# DATABASE_URL that names them, be they empty, has the last word on all of these.
_DATABASE_SOCKET = {
    "connect_timeout": 3,
    "keepalives_idle": _PROBE_AFTER_S,
    "keepalives_interval": _PROBE_EVERY_S,
    "keepalives_count": _PROBES,
    "tcp_user_timeout": ANSWER_S * 1000,
    "options": " ".join(
        f"-c {name}={value}"
        for name, value in {
            "tcp_keepalives_idle": _PROBE_AFTER_S,
            "tcp_keepalives_interval": _PROBE_EVERY_S,
            "tcp_keepalives_count": _PROBES,
            "tcp_user_timeout": ANSWER_S * 1000,
            "idle_in_transaction_session_timeout": _IDLE_TRANSACTION_S * 1000,
            "lock_timeout": _LOCK_S * 1000,
        }.items()
    ),
}


def database(url: str, pool_size: int) -> dict[str, Any]:
    """Django's database entry for a PostgreSQL URL, with a connection pool for each process.

    Under ASGI every request runs in a thread of its own, so without a pool each one would open a
    new connection. A short `reconnect_timeout` matters: the pool's back-off would otherwise keep
    a process off a restarted server for minutes.
    """
    parts = conninfo_to_dict(url)
    pool = {
        "min_size": 1,
        "max_size": pool_size,
        "timeout": 4,
        "reconnect_timeout": 1,
        "max_idle": 120,
    }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", "") or "",
        "USER": parts.pop("user", "") or "",
        "PASSWORD": parts.pop("password", "") or "",
        "HOST": parts.pop("host", "") or "",
        "PORT": parts.pop("port", "") or "",
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**_DATABASE_SOCKET, **parts, "pool": pool},
    }
