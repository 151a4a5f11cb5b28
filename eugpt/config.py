"""The one place that reads the environment.

`config_load()` turns environment variables (and a `.env` file beside manage.py) into one frozen,
validated object; `eugpt.settings` hands its values to the apps as Django settings. An unknown
`EUGPT_*` variable, a value of the wrong kind and an unsafe production setting are refused here,
with a message that names the variable. This file knows nothing of Django.
"""

import hashlib
import hmac
import os
import secrets
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from limits import parse
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from eugpt.email_url import email_url_check, public_origin_check
from eugpt.production import production_problems

BASE_DIR = Path(__file__).resolve().parent.parent
PREFIX = "EUGPT_"

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
DEVELOPMENT_HOSTS = (*LOOPBACK_HOSTS, ".localhost", "0.0.0.0")


class ConfigError(Exception):
    """A setting is missing, unknown or unsafe; the message is meant for the operator."""


def _split(value: object) -> object:
    """Comma separated text as a tuple, so that lists need no JSON in the environment."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _from_base(value: object) -> object:
    """A relative path counts from the repository root, wherever the process was started."""
    return BASE_DIR / value if isinstance(value, (str, Path)) else value


def _rate(value: str) -> str:
    """A rate as `limits` reads it, for example "60 per minute"; raises ValueError."""
    parse(value)
    return value


def _quota(value: str) -> str:
    """A rate, or none: an empty variable would mean the default."""
    return "" if value in {"", "none"} else _rate(value)


def _address(value: str) -> str:
    """A receiver of errors or traces; raises ValueError, which does not repeat what it is."""
    parts = urlsplit(value)
    if value and not (parts.scheme in ("http", "https") and parts.hostname):
        raise ValueError("an address like https://host/ is needed")
    return value


Address = Annotated[str, AfterValidator(_address)]
Rate = Annotated[str, AfterValidator(_rate)]
Quota = Annotated[str, AfterValidator(_quota)]
Csv = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
BasePath = Annotated[Path, BeforeValidator(_from_base)]

# A rotation needs one; each further one is a key that somebody may have seen.
FALLBACKS_MAX = 3
KEY_MAX_CHARS = 512


def _fallbacks(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Old keys, few and each once; raises ValueError, which names none of them."""
    if len(keys) > FALLBACKS_MAX or len(set(keys)) < len(keys):
        raise ValueError(f"at most {FALLBACKS_MAX} keys, each once")
    if any(len(key) > KEY_MAX_CHARS for key in keys):
        raise ValueError(f"keys of at most {KEY_MAX_CHARS} characters")
    return keys


class Config(BaseSettings):
    """Every setting of EuGPT; the alias is the name of the environment variable."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
    )

    database_url: str = Field("postgresql://eugpt@127.0.0.1:5432/eugpt", alias="DATABASE_URL")
    redis_url: str = Field("redis://127.0.0.1:6379/0", alias="REDIS_URL")
    port: int = Field(8000, alias="PORT", ge=0, le=65535)

    # Read before this object is made; empty means no file.
    env_file: str = Field(".env", alias="EUGPT_ENV_FILE")
    env: Literal["development", "production"] = Field("development", alias="EUGPT_ENV")
    debug: bool = Field(False, alias="EUGPT_DEBUG")
    secret_key: str = Field("", alias="EUGPT_SECRET_KEY", max_length=KEY_MAX_CHARS)
    secret_key_fallbacks: Annotated[Csv, AfterValidator(_fallbacks)] = Field(
        (), alias="EUGPT_SECRET_KEY_FALLBACKS"
    )
    allowed_hosts: Csv = Field((), alias="EUGPT_ALLOWED_HOSTS")
    cors_origins: Csv = Field((), alias="EUGPT_CORS_ORIGINS")
    csrf_trusted_origins: Csv = Field((), alias="EUGPT_CSRF_TRUSTED_ORIGINS")
    proxy_hops: int = Field(0, alias="EUGPT_PROXY_HOPS", ge=0, le=8)
    cookie_samesite: Literal["Lax", "None"] = Field("Lax", alias="EUGPT_COOKIE_SAMESITE")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", alias="EUGPT_LOG_LEVEL")
    log_format: Literal["", "line", "json"] = Field("", alias="EUGPT_LOG_FORMAT")
    task_events: bool = Field(False, alias="EUGPT_TASK_EVENTS")
    sentry_dsn: Address = Field("", alias="EUGPT_SENTRY_DSN")
    otel_endpoint: Address = Field("", alias="EUGPT_OTEL_ENDPOINT")
    otel_ratio: float = Field(1.0, alias="EUGPT_OTEL_RATIO", ge=0, le=1)
    metrics_port: int = Field(0, alias="EUGPT_METRICS_PORT", ge=0, le=65_000)
    metrics_bind: str = Field("127.0.0.1", alias="EUGPT_METRICS_BIND")

    public_origin: Annotated[str, AfterValidator(public_origin_check)] = Field(
        "", alias="EUGPT_PUBLIC_ORIGIN"
    )
    registration: Literal["open", "closed"] = Field("open", alias="EUGPT_REGISTRATION")
    email_url: Annotated[str, AfterValidator(email_url_check)] = Field("", alias="EUGPT_EMAIL_URL")
    email_from: str = Field("", alias="EUGPT_EMAIL_FROM")

    limits: bool = Field(True, alias="EUGPT_LIMITS")
    queue_limit: int = Field(200, alias="EUGPT_QUEUE_LIMIT", ge=1)
    queue_limit_member: int = Field(8, alias="EUGPT_QUEUE_LIMIT_MEMBER", ge=1)
    queue_limit_guest: int = Field(16, alias="EUGPT_QUEUE_LIMIT_GUEST", ge=1)
    register_quota: Quota = Field("60 per day", alias="EUGPT_REGISTER_QUOTA")
    prompt_rate: Rate = Field("60 per minute", alias="EUGPT_PROMPT_RATE")
    guest_prompt_rate: Rate = Field("30 per minute", alias="EUGPT_GUEST_PROMPT_RATE")
    staff_second_factor: Literal["optional", "required"] = Field(
        "optional", alias="EUGPT_STAFF_SECOND_FACTOR"
    )
    guest_address_rate: Rate = Field("120 per minute", alias="EUGPT_GUEST_ADDRESS_RATE")
    guest_quota: Quota = Field("200 per day", alias="EUGPT_GUEST_QUOTA")
    guest_address_quota: Quota = Field("2000 per day", alias="EUGPT_GUEST_ADDRESS_QUOTA")
    member_quota: Quota = Field("2000 per day", alias="EUGPT_MEMBER_QUOTA")
    staff_quota: Quota = Field("", alias="EUGPT_STAFF_QUOTA")
    retention_days: int = Field(0, alias="EUGPT_RETENTION_DAYS", ge=0, le=36_500)
    audit_days: int = Field(365, alias="EUGPT_AUDIT_DAYS", ge=1, le=36_500)
    slots: int = Field(32, alias="EUGPT_SLOTS", ge=1, le=256)
    engine_threads: int = Field(0, alias="EUGPT_ENGINE_THREADS", ge=0)
    kept_contexts: int = Field(32, alias="EUGPT_KEPT_CONTEXTS", ge=0, le=1024)
    precision: Literal["auto", "fp32", "bf16", "int8"] = Field("auto", alias="EUGPT_PRECISION")
    model: str = Field("eugpt-36m", alias="EUGPT_MODEL", min_length=1)

    models_dir: BasePath = Field(BASE_DIR / "models", alias="EUGPT_MODELS_DIR")
    var_dir: BasePath = Field(BASE_DIR / "var", alias="EUGPT_VAR_DIR")
    frontend_dir: BasePath = Field(BASE_DIR / "frontend" / "out", alias="EUGPT_FRONTEND_DIR")

    @property
    def is_production(self) -> bool:
        return self.env == "production"

    def public_hosts(self) -> list[str]:
        """Host names under which browsers see EuGPT; in development the local ones by default."""
        if self.allowed_hosts or self.is_production:
            return list(self.allowed_hosts)
        return list(DEVELOPMENT_HOSTS)

    def hosts(self) -> list[str]:
        """Host names the web process answers to: the public ones, and loopback for probes."""
        return list(dict.fromkeys((*self.public_hosts(), *LOOPBACK_HOSTS)))

    def origin(self) -> str:
        """Where links in mails lead: never what a request says in its Host header."""
        return self.public_origin or f"http://localhost:{self.port or 8000}"

    def mail_url(self) -> str:
        """How mails are sent; in development into the log by default, in production not at all."""
        return self.email_url or ("" if self.is_production else "console:")

    def log_form(self) -> Literal["line", "json"]:
        """How log lines are written; for people in development, for machines in production."""
        return self.log_format or ("json" if self.is_production else "line")

    def mail_from(self) -> str:
        """The sender of mails."""
        host = (urlsplit(self.origin()).hostname or "localhost").strip("[]")
        return self.email_from or f"EuGPT <noreply@{host}>"

    def signing_key(self) -> str:
        """The key that signs tokens and sessions.

        `make run` keeps one in `var/secret_key`. A development process without one makes up its
        own: safe, but its tokens end with it.
        """
        stored = self.var_dir / "secret_key"
        if self.secret_key:
            return self.secret_key
        if not self.is_production and stored.is_file():
            return stored.read_text(encoding="utf-8").strip() or secrets.token_urlsafe(50)
        return secrets.token_urlsafe(50)


def purpose_key(secret: str, purpose: str) -> str:
    """A key for one purpose, made of the secret: no two purposes ever sign with the same bytes."""
    return hmac.new(secret.encode(), f"eugpt.{purpose}".encode(), hashlib.sha256).hexdigest()


def known_variables() -> frozenset[str]:
    """Names of all environment variables that EuGPT reads."""
    return frozenset(str(field.alias) for field in Config.model_fields.values())


def _env_file() -> Path | None:
    """The `.env` file to read: beside manage.py, or where EUGPT_ENV_FILE says."""
    name = os.environ.get("EUGPT_ENV_FILE", ".env")
    return BASE_DIR / name if name else None


def _unknown_problems(env_file: Path | None) -> list[str]:
    names = {*os.environ, *(dotenv_values(env_file) if env_file else ())}
    unknown = {name for name in names if name.startswith(PREFIX)} - known_variables()
    return [f"{name} is not a setting of EuGPT (see .env.example)" for name in sorted(unknown)]


def _missing_problems(config: Config) -> list[str]:
    """Packages that `make run` does without."""
    wanted = {"EUGPT_SENTRY_DSN": "sentry_sdk"} if config.sentry_dsn else {}
    if config.otel_endpoint:
        wanted["EUGPT_OTEL_ENDPOINT"] = "opentelemetry"
    return [
        f"{name} needs the packages of requirements-observe.txt"
        for name, package in wanted.items()
        if find_spec(package) is None
    ]


def _development_problems(config: Config) -> list[str]:
    """What only production can have."""
    if config.cookie_samesite == "None":  # browsers drop such a cookie unless it is Secure
        return ["EUGPT_COOKIE_SAMESITE=None needs the https of EUGPT_ENV=production"]
    return []


@cache
def config_load() -> Config:
    """Read, check and freeze the settings; raises ConfigError naming every bad variable."""
    env_file = _env_file()
    problems = _unknown_problems(env_file)
    if problems:
        raise ConfigError("; ".join(problems))
    try:
        config = Config(_env_file=env_file)  # type: ignore[call-arg]
    except ValidationError as error:
        found = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise ConfigError("; ".join(found)) from None
    check = production_problems if config.is_production else _development_problems
    if problems := [*check(config), *_missing_problems(config)]:
        raise ConfigError("; ".join(problems))
    return config
