"""docs/operations.md: every command, file, setting, figure and place that it names exists."""

import re
from datetime import timedelta

import pytest
import yaml
from django.core.management import get_commands
from rest_framework_simplejwt.settings import api_settings

from accounts import upkeep
from accounts.email_links import LIFETIMES, LinkKind
from chat.delivery.streams import STREAM_TTL_S
from chat.places import _KEY_LIFE_S as PLACES_LIFE_S
from chat.upkeep import DETACHED_ROWS_LIFE
from deploy.local.paths import ROOT
from deploy.ops.__main__ import KEEP
from eugpt.config import known_variables

TEXT = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
CODE = "\n".join(re.findall(r"`([^`\n]+)`", TEXT) + re.findall(r"^    (\S.*)$", TEXT, re.M))
SOURCES = "".join(
    path.read_text(encoding="utf-8")
    for folder in ("accounts", "chat", "moderation", "eugpt", "inference")
    for path in (ROOT / folder).rglob("*.py")
)
RETENTION = TEXT.split("## What is kept for how long")[1].split("\n# ")[0]


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


ANCHORS = {anchor(heading) for heading in re.findall(r"^#+ (.+)$", TEXT, re.M)}


def test_every_alert_leads_to_a_heading() -> None:
    groups = yaml.safe_load((ROOT / "deploy" / "observe" / "alerts.yml").read_text())["groups"]
    books = [
        rule["annotations"]["runbook"] for it in groups for rule in it["rules"] if "alert" in rule
    ]
    assert books
    for book in books:
        path, _, place = book.partition("#")
        assert path == "docs/operations.md"
        assert place in ANCHORS, book


def test_links_inside_lead_to_a_heading() -> None:
    for place in re.findall(r"\]\(#([^)]+)\)", TEXT):
        assert place in ANCHORS, place


def test_every_incident_says_what_is_seen_where_to_look_and_what_to_do() -> None:
    incidents = TEXT.split("# When something is wrong")[1].split("\n## ")[1:]
    assert len(incidents) >= 10
    for incident in incidents:
        title = incident.splitlines()[0]
        if title != "A key has leaked":
            for part in ("*Sign*", "**Look**", "**Do**"):
                assert part in incident, f"{title}: {part}"


def test_commands_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"\bmake ([a-z][a-z-]*)", CODE))
    assert named
    assert named <= targets
    commands = set(get_commands())
    named = set(re.findall(r'manage\.py ([a-z_]+)|ARGS="([a-z_]+)', CODE))
    assert len(named) >= 5
    for pair in named:
        assert "".join(pair) in commands, pair


def test_services_of_compose_exist() -> None:
    compose = yaml.safe_load((ROOT / "deploy" / "docker-compose.yml").read_text())["services"]
    for service in re.findall(r"\$C exec (?:-T )?(\w+)|\$C run --rm (?:-T )?(\w+)", CODE):
        assert "".join(service) in compose, service
    for services in re.findall(r"\$C (?:restart|stop) ([a-z ]+)", CODE):
        assert set(services.split()) <= set(compose), services


def test_settings_and_figures_exist() -> None:
    assert set(re.findall(r"\bEUGPT_[A-Z_]+", TEXT)) <= known_variables()
    for name in set(re.findall(r"\beugpt_[a-z_]+", TEXT)) - {"eugpt_before_"}:
        assert f'"{name.removesuffix("_total")}"' in SOURCES, name


def test_files_exist() -> None:
    for path in set(re.findall(r"\b((?:deploy|docs)/[\w./-]+\.(?:sh|md|yml|py))", TEXT)):
        assert (ROOT / path).exists(), path


def test_table_of_codes_is_that_of_the_program() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "deploy" / "ops").glob("*.py"))
    raised = set(re.findall(r'OpsError\(\s*"([a-z_]+)"', sources))
    raised |= set(re.findall(r'code(?: =|=) ?"([a-z_]+)"', sources))
    rows = TEXT.split("| code | what to do |")[1].split("\n\n")[0].splitlines()[2:]
    table = {code for row in rows for code in re.findall(r"[a-z_]+", row.split("|")[1])}
    assert raised - table == set()
    assert raised <= table


def test_retention_names_every_kind_of_rows_that_is_pruned() -> None:
    kinds = [kind.name for kind in upkeep._registered]
    assert len(kinds) >= 8
    for name in kinds:
        assert name in RETENTION, name


def test_retention_names_every_kind_of_keys() -> None:
    prefixes = set(re.findall(r'f?"(eugpt:[a-z]+)', SOURCES))
    assert "eugpt:gen" in prefixes
    for prefix in prefixes:
        assert f"`{prefix}" in RETENTION, prefix


@pytest.mark.parametrize(
    ("row", "said", "is_so"),
    [
        ("eugpt:gen:", "1 hour", STREAM_TTL_S == 3600),
        ("eugpt:places:", "1 day", PLACES_LIFE_S == 86_400),
        ("eugpt:ticket:", "30 seconds", True),
        ("rows of guests", "1 day", timedelta(days=1) == DETACHED_ROWS_LIFE),
        ("ended sessions", "14 days", timedelta(days=14) == api_settings.REFRESH_TOKEN_LIFETIME),
        ("never confirmed", "2 days", LIFETIMES[LinkKind.VERIFY] == timedelta(days=2)),
        ("nobody took", "2 days", timedelta(days=2) == upkeep.NOTICE_LIFETIME),
        ("backups", f"newest {KEEP}", True),
        ("old audit entries", "EUGPT_AUDIT_DAYS", True),
    ],
)
def test_retention_says_the_times_of_the_code(row: str, said: str, is_so: bool) -> None:
    rows = [it for it in RETENTION.splitlines() if it.startswith("| ")]
    [line] = [it for it in rows if row in it.split("|")[1]]
    assert said in line
    assert is_so
