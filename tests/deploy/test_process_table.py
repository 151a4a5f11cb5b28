"""deploy/Procfile is the one process table: the containers run the same commands."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local import procfile
from deploy.local.paths import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_compose_has_all_parts() -> None:
    parts = {"caddy", "web", "worker", "jobs", "beat", "release", "redis", "postgres"}
    assert {name for name, it in SERVICES.items() if "profiles" not in it} == parts


def test_compose_redis_keeps_everything() -> None:
    command = " ".join(SERVICES["redis"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command


def test_compose_builds_stages_of_the_dockerfile() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    stages = set(re.findall(r"^FROM .* AS (\w+)$", dockerfile, re.MULTILINE))
    wanted = {service["build"]["target"] for service in SERVICES.values() if "build" in service}
    assert wanted <= stages


def test_dockerfile_copies_every_package_the_settings_install() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    packages = {path.parent.name for path in ROOT.glob("*/apps.py")} | {"eugpt"}
    assert packages <= set(re.findall(r"^COPY (\w+)/ ", dockerfile, re.MULTILINE))


def test_commands_name_an_unknown_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    table = tmp_path / "Procfile"
    table.write_text("# comment\nweb: serve --port $NOT_THERE\n")
    monkeypatch.setattr(procfile.read_table, "__defaults__", (table,))
    with pytest.raises(KeyError, match="NOT_THERE"):
        procfile.commands({})
