"""Production: what it refuses to start with, `check --deploy`, and `check_production`."""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django.fixtures import Settings

from accounts.models import User
from deploy.local.paths import ROOT
from eugpt.config import ConfigError, config_load
from eugpt.production import is_guessable
from moderation.readiness import readiness
from tests.support.servers import TestServers
from tests.support.stack import Stack
from tests.support.tiny_model import build_tiny_checkpoint

KEY = "Qm3x9vTz-7LkP2wRa8sYd5Uf_Hn6JcEb4Gi0oXqMtZ1NvBpWlA"
OLD_KEY = "w8Lr_kV2-xZqT5nBd0Ys7JfGmPuCe9Ha4iOo6RtX1WlEbNyKvD"
SAFE = {
    "EUGPT_ENV": "production",
    "EUGPT_SECRET_KEY": KEY,
    "EUGPT_ALLOWED_HOSTS": "chat.example.org",
    "EUGPT_PROXY_HOPS": "1",
    "EUGPT_LIMITS": "on",
    "DATABASE_URL": "postgresql://eugpt:kZ81vw-Qpx73mRt@db.internal:5432/eugpt",
    "REDIS_URL": "redis://eugpt:Yt5-oPq90LmNw2x@redis.internal:6379/0",
}


def _manage(env: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


Refusal = Callable[..., str]


@pytest.fixture
def refusal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Refusal]:
    """What a process with these settings says instead of starting; "" when it starts."""

    def refuse(**changes: str) -> str:
        config_load.cache_clear()
        for name, value in {**SAFE, **changes}.items():
            monkeypatch.setenv(name, value)
        try:
            config_load()
        except ConfigError as error:
            return str(error)
        return ""

    yield refuse
    config_load.cache_clear()


def test_safe_settings_start(refusal: Refusal) -> None:
    assert refusal() == ""
    assert refusal(EUGPT_SECRET_KEY_FALLBACKS=OLD_KEY) == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EUGPT_SECRET_KEY", ""),
        ("EUGPT_SECRET_KEY", KEY[:30]),
        ("EUGPT_SECRET_KEY", "x" * 60),
        ("EUGPT_SECRET_KEY", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJ"),
        ("EUGPT_SECRET_KEY", "correcthorse" * 5),
        ("EUGPT_SECRET_KEY", f"django-insecure-{KEY}"),
        ("EUGPT_SECRET_KEY", f"change-me-{KEY}"),
        ("EUGPT_SECRET_KEY", "a-key-for-tests-that-signs-nothing-of-value"),
        ("EUGPT_SECRET_KEY_FALLBACKS", OLD_KEY[:30]),
        ("EUGPT_SECRET_KEY_FALLBACKS", f"{OLD_KEY},change-me-{KEY}"),
        ("EUGPT_SECRET_KEY_FALLBACKS", KEY),
        ("EUGPT_SECRET_KEY_FALLBACKS", "kZ81vw-Qpx73mRt"),  # the database's
        ("EUGPT_ALLOWED_HOSTS", ""),
        ("EUGPT_ALLOWED_HOSTS", "*"),
        ("EUGPT_ALLOWED_HOSTS", ".example.org"),
        ("EUGPT_ALLOWED_HOSTS", "chat.example.org,*.example.org"),
        ("EUGPT_CORS_ORIGINS", "http://chat.example.org"),
        ("EUGPT_CORS_ORIGINS", "https://*.example.org"),
        ("EUGPT_CSRF_TRUSTED_ORIGINS", "https://*.example.org"),
        ("EUGPT_CSRF_TRUSTED_ORIGINS", "http://admin.example.org"),
        ("EUGPT_DEBUG", "on"),
        ("EUGPT_LIMITS", "off"),
        ("EUGPT_PROXY_HOPS", "0"),
        ("EUGPT_PUBLIC_ORIGIN", "http://chat.example.org"),
        ("REDIS_URL", "redis://redis.internal:6379/0"),
        ("REDIS_URL", "redis://127.0.0.1:6379/0"),
        ("REDIS_URL", "redis://:short@redis.internal:6379/0"),
        ("REDIS_URL", "redis://:kZ81vw-Qpx73mRt@redis.internal:6379/0"),  # the database's
        ("DATABASE_URL", "postgresql://eugpt@db.internal:5432/eugpt"),
        ("DATABASE_URL", "postgresql://eugpt:postgres@db.internal:5432/eugpt"),
    ],
)
def test_unsafe_settings_are_refused_by_name(refusal: Refusal, name: str, value: str) -> None:
    said = refusal(**{name: value})
    assert name in said
    if name in ("EUGPT_SECRET_KEY", "EUGPT_SECRET_KEY_FALLBACKS", "REDIS_URL", "DATABASE_URL"):
        assert not value or value not in said


def test_the_secret_key_is_not_a_servers_password(refusal: Refusal) -> None:
    assert "EUGPT_SECRET_KEY" in refusal(REDIS_URL=f"redis://:{KEY}@redis.internal:6379/0")
    database = f"postgresql://eugpt:{KEY}@db.internal:5432/eugpt"
    assert "EUGPT_SECRET_KEY" in refusal(DATABASE_URL=database)


def test_mail_needs_the_address_that_its_links_lead_to(refusal: Refusal) -> None:
    mail = {"EUGPT_EMAIL_URL": "smtps://u:p@mail.example.org"}
    assert "EUGPT_PUBLIC_ORIGIN" in refusal(**mail)
    assert refusal(**mail, EUGPT_PUBLIC_ORIGIN="https://chat.example.org") == ""


def test_mails_with_links_are_not_printed_into_the_log(refusal: Refusal) -> None:
    said = refusal(EUGPT_EMAIL_URL="console:", EUGPT_PUBLIC_ORIGIN="https://chat.example.org")
    assert "EUGPT_EMAIL_URL" in said


def test_random_secrets_are_never_taken_for_guessable_ones() -> None:
    for _ in range(2000):
        assert not is_guessable(secrets.token_urlsafe(40))
        assert not is_guessable(secrets.token_hex(24))


def test_the_commands_say_what_is_refused_without_a_traceback() -> None:
    done = _manage({**SAFE, "EUGPT_SECRET_KEY": ""}, "check")
    assert done.returncode == 1
    assert "EUGPT_SECRET_KEY" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_deploy_is_clean() -> None:
    done = _manage(SAFE, "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.django_db
def test_check_production_tells_that_this_is_development(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(CommandError):
        call_command("check_production")
    said = capsys.readouterr().out
    assert "FAIL  settings: EUGPT_ENV is not production" in said
    assert "FAIL  checkpoint: none is active" in said
    assert "ok    database" in said
    assert "ok    migrations" in said


@pytest.mark.django_db
def test_check_production_looks_at_the_staff() -> None:
    """Weak passwords and missing second factors are told by name; members are nobody's business."""
    for name, password in (("root", "root"), ("mod", "pa55-of-mod-9f")):
        User.objects.create_user(username=name, password=password, is_staff=True)
    User.objects.create_user(username="member", password="member")
    [usual, factor] = [
        finding.text
        for finding in readiness()
        if finding.about == "staff" and finding.verdict == "FAIL"
    ]
    assert usual == "usual passwords: root"
    assert factor == "without a second factor: root, mod"
    for user in User.objects.filter(is_staff=True):
        TOTPDevice.objects.create(user=user, name="phone", confirmed=True)
    User.objects.get(username="root").delete()
    assert not [it for it in readiness() if it.about == "staff" and it.verdict == "FAIL"]


@pytest.mark.django_db
def test_check_production_tells_a_damaged_checkpoint(tmp_path: Path, settings: Settings) -> None:
    settings.MODELS_DIR = tmp_path
    build_tiny_checkpoint(tmp_path / "tiny")
    call_command("load_checkpoint", "tiny", verbosity=0)
    about = {finding.about: finding for finding in readiness()}
    assert about["checkpoint"].verdict == "ok"
    weights = next((tmp_path / "tiny").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    about = {finding.about: finding for finding in readiness()}
    assert about["checkpoint"].verdict == "FAIL"


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_check_production_finds_nothing_wrong_with_a_good_installation(stack: Stack) -> None:
    urls = {name: stack.env[name] for name in ("DATABASE_URL", "REDIS_URL")}
    env = {**stack.env, **SAFE, **urls}
    with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
        # Other tests' staff, who have no second factor.
        connection.execute("UPDATE accounts_user SET is_staff = false, is_superuser = false")
    done = _manage(env, "check_production")
    assert "FAIL" not in done.stdout
    assert done.returncode == 0, done.stdout + done.stderr
    for line in (
        "ok    check --deploy: no warning",
        "ok    redis: the user of REDIS_URL has no dangerous commands",
        "ok    redis: throws nothing away",
        "ok    workers: 1 ready",
        "ok    checkpoint: eugpt-tiny is active",
    ):
        assert line in done.stdout
    admin = _manage({**env, "REDIS_URL": stack.redis_admin_url}, "check_production")
    assert "warn  redis: the user of REDIS_URL may use CONFIG" in admin.stdout


def test_check_production_tells_of_servers_that_are_away(servers: TestServers) -> None:
    nowhere = {
        "DATABASE_URL": "postgresql://eugpt:kZ81vw-Qpx73mRt@127.0.0.1:1/eugpt",
        "REDIS_URL": "redis://:Yt5-oPq90LmNw2x@127.0.0.1:1/0",
    }
    done = _manage({**servers.settings(), **SAFE, **nowhere}, "check_production")
    assert done.returncode == 1
    for about in ("database", "migrations", "redis", "workers", "checkpoint", "staff"):
        assert f"FAIL  {about}: could not be asked" in done.stdout
