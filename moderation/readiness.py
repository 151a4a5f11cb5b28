"""Is this installation fit for strangers? What `check_production` tells a person, line by line.

The settings refuse much of it themselves (`eugpt.production`); here the servers are asked, too.
Every question is answered, whatever the others said.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.core import checks
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User
from accounts.store import redis_client
from chat.generation.workers import workers_alive
from inference.public import CheckpointError, active_checkpoint, checkpoint_open

CLOCK_S = 2.0
_USUAL_PASSWORDS = (
    "admin",
    "administrator",
    "changeme",
    "eugpt",
    "password",
    "password123",
    "12345678",
)
_STAFF_LOOKED_AT = 50
_LOCAL = ("", "localhost", "127.0.0.1", "::1")

Verdict = Literal["ok", "warn", "FAIL"]


@dataclass(frozen=True, slots=True)
class Finding:
    verdict: Verdict
    about: str
    text: str


def readiness() -> Iterator[Finding]:
    """All findings in the order of what depends on what; a server that is away is one, too."""
    questions: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("settings", _settings),
        ("check --deploy", _deploy_checks),
        ("database", _database),
        ("migrations", _migrations),
        ("redis", _redis),
        ("workers", _workers),
        ("checkpoint", _checkpoint),
        ("staff", _staff),
    )
    for about, ask in questions:
        try:
            yield from ask()
        except (DatabaseError, redis.RedisError, OSError) as error:
            yield Finding("FAIL", about, f"could not be asked: {type(error).__name__}")


def _judge(holds: bool, about: str, good: str, bad: str, *, otherwise: Verdict = "FAIL") -> Finding:
    return Finding("ok", about, good) if holds else Finding(otherwise, about, bad)


def _settings() -> Iterator[Finding]:
    yield _judge(
        settings.IS_PRODUCTION, "settings",
        "EUGPT_ENV=production: secrets, hosts and origins were accepted at start",
        "EUGPT_ENV is not production: nothing of it was checked",
    )  # fmt: skip
    yield _judge(
        not settings.SECRET_KEY_FALLBACKS, "keys", "one key is accepted, that which signs",
        f"{len(settings.SECRET_KEY_FALLBACKS)} older accepted (EUGPT_SECRET_KEY_FALLBACKS): "
        "remove them two weeks after the rotation", otherwise="warn",
    )  # fmt: skip
    yield _judge(settings.SECURE_HSTS_SECONDS > 0, "HSTS", "browsers keep to https", "HSTS is off")
    yield _judge(
        settings.PROXY_HOPS > 0, "proxies",
        f"{settings.PROXY_HOPS} in front (EUGPT_PROXY_HOPS): is that how many there are?",
        "EUGPT_PROXY_HOPS is 0: behind a proxy all guests would be one address",
    )  # fmt: skip
    yield _judge(
        settings.EMAIL_ENABLED, "mail",
        f"sent, with links to {settings.PUBLIC_ORIGIN}",
        "off (EUGPT_EMAIL_URL): nobody can reset a forgotten password", otherwise="warn",
    )  # fmt: skip


def _deploy_checks() -> Iterator[Finding]:
    found = [
        message
        for message in checks.run_checks(include_deployment_checks=True, databases=["default"])
        if message.is_serious(checks.WARNING) and not message.is_silenced()
    ]
    for message in found:
        yield Finding("FAIL", "check --deploy", f"{message.id}: {message.msg}")
    if not found:
        yield Finding("ok", "check --deploy", "no warning")


def _database() -> Iterator[Finding]:
    connection.ensure_connection()
    with connection.cursor() as cursor:
        before = time.time()
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        [its_time] = cursor.fetchone()
        drift = _drift(before, its_time)
    native: Any = connection.connection
    host = settings.DATABASES["default"]["HOST"]
    is_local = host in _LOCAL or host.startswith("/")
    yield Finding("ok", "database", f"PostgreSQL {native.info.server_version // 10000} answers")
    yield _judge(
        native.pgconn.used_password or is_local, "database",
        "the connection has a password, or is local", "it lets EuGPT in without a password",
    )  # fmt: skip
    if not is_local and not native.pgconn.ssl_in_use:
        text = "not encrypted: fine in a private network only (else ?sslmode=verify-full)"
        yield Finding("warn", "database", text)
    yield _clock("database", drift)


def _migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in missing)
    yield _judge(not missing, "migrations", "all are applied", f"not applied: {names}")


def _redis() -> Iterator[Finding]:
    client: Any = redis_client()
    before = time.time()
    seconds, microseconds = client.time()
    drift = _drift(before, seconds + microseconds / 1e6)
    info = client.info()
    url = urlsplit(settings.REDIS_URL)
    yield Finding(
        "ok", "redis", f"version {info.get('valkey_version', info['redis_version'])} answers"
    )
    yield _judge(bool(url.password), "redis", "has a password", "REDIS_URL has no password")
    yield _judge(
        info["maxmemory_policy"] == "noeviction", "redis", "throws nothing away (noeviction)",
        f"maxmemory-policy is {info['maxmemory_policy']}: it may drop prompts and words",
    )  # fmt: skip
    yield _judge(
        bool(info["aof_enabled"]), "redis", "keeps what it has over a restart (appendonly)",
        "appendonly is off: what waits is lost with a restart", otherwise="warn",
    )  # fmt: skip
    yield _judge(
        not _may_configure(client), "redis", "the user of REDIS_URL has no dangerous commands",
        "the user of REDIS_URL may use CONFIG and the like (see deploy/docker-compose.yml)",
        otherwise="warn",
    )  # fmt: skip
    yield _clock("redis", drift)


def _may_configure(client: Any) -> bool:
    try:
        client.config_get("maxmemory")
    except redis.exceptions.NoPermissionError:
        return False
    return True


def _drift(before: float, its_time: float) -> float:
    """How far another clock is off, at least: it was asked between `before` and now."""
    return max(before - its_time, its_time - time.time(), 0.0)


def _clock(about: str, drift_s: float) -> Finding:
    return _judge(
        drift_s < CLOCK_S, "clock", f"agrees with that of the {about}",
        f"is {drift_s:.0f} s off that of the {about}: tokens and waits would be wrong",
    )  # fmt: skip


def _workers() -> Iterator[Finding]:
    count = len(workers_alive())
    bad = "none answers: prompts would wait for one"
    yield _judge(count > 0, "workers", f"{count} ready", bad, otherwise="warn")


def _checkpoint() -> Iterator[Finding]:
    checkpoint = active_checkpoint()
    if checkpoint is None:
        yield Finding("FAIL", "checkpoint", "none is active: manage.py load_checkpoint")
        return
    try:
        checkpoint_open(checkpoint)
    except CheckpointError as error:
        yield Finding("FAIL", "checkpoint", f"{checkpoint.name} is damaged: {error}")
        return
    yield Finding("ok", "checkpoint", f"{checkpoint.name} is active, its files are as loaded")


def _staff() -> Iterator[Finding]:
    staff = User.objects.filter(is_staff=True, is_active=True).order_by("pk")
    if not staff.exists():
        yield Finding("warn", "staff", "there is nobody who could moderate: manage.py create_admin")
        return
    weak = [user.username for user in staff[:_STAFF_LOOKED_AT] if _has_usual_password(user)]
    bad = f"usual passwords: {', '.join(weak)}"
    yield _judge(not weak, "staff", "nobody has one of the usual passwords", bad)
    with_device = TOTPDevice.objects.filter(confirmed=True).values("user")
    names = list(staff.exclude(pk__in=with_device).values_list("username", flat=True))
    bad = f"without a second factor: {', '.join(names[:_STAFF_LOOKED_AT])}"
    yield _judge(not names, "staff", "everybody has a second factor", bad)
    yield _judge(
        settings.STAFF_SECOND_FACTOR == "required", "staff", "a second factor is required",
        "EUGPT_STAFF_SECOND_FACTOR=optional: whoever joins can do without", otherwise="warn",
    )  # fmt: skip


def _has_usual_password(user: User) -> bool:
    return any(user.check_password(it) for it in (*_USUAL_PASSWORDS, user.username))
