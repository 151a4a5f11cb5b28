"""What a production deployment must not start with; each problem names its variable.

Knows settings as values only, nothing of Django. What needs the servers themselves is asked by
`manage.py check_production`.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from psycopg.conninfo import conninfo_to_dict

if TYPE_CHECKING:
    from eugpt.config import Config

MIN_SECRET_CHARS = 40
MIN_SECRET_BITS = 120.0
MIN_PASSWORD_CHARS = 12
# What people leave in place of a secret; a random one contains none of them.
_PLACEHOLDERS = (
    "change-me", "change_me", "changeme", "default", "example", "insecure", "password",
    "placeholder", "replace", "secret", "for-tests", "your-", "eugpt",
)  # fmt: skip
_LOCAL_HOSTS = ("", "localhost", "127.0.0.1", "::1")


def production_problems(config: Config) -> list[str]:
    """Sentences for the operator; none when these settings are safe."""
    found = [
        *_secret_problems(config),
        *_site_problems(config),
        *_origin_problems("EUGPT_CORS_ORIGINS", config.cors_origins),
        *_origin_problems("EUGPT_CSRF_TRUSTED_ORIGINS", config.csrf_trusted_origins),
    ]
    if config.debug:
        found.append("EUGPT_DEBUG must be off")
    if not config.limits:
        found.append("EUGPT_LIMITS must be on")
    return [f"{problem} when EUGPT_ENV=production" for problem in found]


def _secret_problems(config: Config) -> list[str]:
    key, redis = config.secret_key, unquote(urlsplit(config.redis_url).password or "")
    database = conninfo_to_dict(config.database_url)
    password, host = str(database.get("password") or ""), str(database.get("host") or "")
    found = []
    if len(key) < MIN_SECRET_CHARS or is_guessable(key):
        found.append(f"EUGPT_SECRET_KEY needs at least {MIN_SECRET_CHARS} random characters")
    found += _fallback_problems(config, (redis, password))
    if not redis:
        found.append("REDIS_URL needs a password (redis://:password@host:6379/0)")
    elif is_weak(redis):
        found.append(_weak("REDIS_URL"))
    is_local = host in _LOCAL_HOSTS or host.startswith("/")
    if not password and not is_local:
        found.append("DATABASE_URL needs a password for a server on another host")
    elif password and is_weak(password):
        found.append(_weak("DATABASE_URL"))
    if key and key in (redis, password):
        found.append("EUGPT_SECRET_KEY must not be the password of a server")
    if redis and redis == password:
        found.append("REDIS_URL must not have the password of DATABASE_URL")
    return found


def _fallback_problems(config: Config, passwords: tuple[str, str]) -> list[str]:
    """Old keys sign nothing anew, but who knows one can still make tokens."""
    found = []
    for key in config.secret_key_fallbacks:
        if len(key) < MIN_SECRET_CHARS or is_guessable(key):
            needs = f"needs at least {MIN_SECRET_CHARS} random characters in each key"
            found.append(f"EUGPT_SECRET_KEY_FALLBACKS {needs}")
        if key in passwords:
            found.append("EUGPT_SECRET_KEY_FALLBACKS must not have the password of a server")
        if key == config.secret_key:
            found.append("EUGPT_SECRET_KEY_FALLBACKS must not have EUGPT_SECRET_KEY itself")
    return list(dict.fromkeys(found))


def _weak(name: str) -> str:
    return f"{name} needs a password of at least {MIN_PASSWORD_CHARS} characters, not a usual one,"


def _site_problems(config: Config) -> list[str]:
    found = []
    if not config.allowed_hosts or any(
        it.startswith(".") or "*" in it for it in config.allowed_hosts
    ):
        found.append("EUGPT_ALLOWED_HOSTS must name the public host names, each in full")
    if config.public_origin and not config.public_origin.startswith("https://"):
        found.append("EUGPT_PUBLIC_ORIGIN must begin with https://")
    if config.mail_url() not in ("", "off") and not config.public_origin:
        found.append("EUGPT_PUBLIC_ORIGIN must be the https:// address that mails link to")
    if config.email_url == "console:":
        found.append("EUGPT_EMAIL_URL must not be console:, which writes links into the log,")
    if not config.proxy_hops:
        found.append(
            "EUGPT_PROXY_HOPS must be the number of proxies in front that end TLS and write "
            "X-Forwarded-For (1 for deploy/Caddyfile)"
        )
    return found


def _origin_problems(name: str, origins: tuple[str, ...]) -> list[str]:
    """Exact https origins only: another page on them acts in its visitors' name."""
    return [f"{name}: {it!r} must be https://host" for it in origins if not _is_exact(it)]


def _is_exact(origin: str) -> bool:
    parts = urlsplit(origin)
    is_bare = not (parts.path or parts.query or parts.fragment or parts.username)
    return parts.scheme == "https" and bool(parts.hostname) and "*" not in origin and is_bare


def is_weak(password: str) -> bool:
    """Too short for a server's password, or one that is tried first."""
    has_placeholder = any(word in password.lower() for word in _PLACEHOLDERS)
    return len(password) < MIN_PASSWORD_CHARS or has_placeholder or len(set(password)) < 6


def is_guessable(secret: str) -> bool:
    """Whether this is no random text: a placeholder, a repetition, a run like abcdef."""
    if not secret or any(word in secret.lower() for word in _PLACEHOLDERS):
        return True
    counts = Counter(secret).values()
    bits = -sum(count * math.log2(count / len(secret)) for count in counts)
    pairs = list(itertools.pairwise(secret))
    steps = Counter(ord(after) - ord(before) for before, after in pairs)
    is_run = max(steps.values(), default=0) * 2 > len(pairs)
    is_repeated = len(set(pairs)) * 2 < len(pairs)
    return bits < MIN_SECRET_BITS or is_run or is_repeated
