"""Compose files for several machines: they say what the one for a single machine says."""

import os
import re
import secrets
import subprocess
import sys

import pytest
import yaml

from deploy.local.paths import ROOT
from tests.deploy.test_compose import BIN, DEPLOY, run, services

MAIN, WORKER = "hosts/main.yml", "hosts/worker.yml"


@pytest.mark.parametrize("name", [MAIN, WORKER])
def test_file_follows_the_compose_specification(name: str) -> None:
    run(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / name)


def test_a_worker_elsewhere_is_the_worker_of_the_main_machine() -> None:
    there, here = services(WORKER)["worker"], dict(services()["worker"])
    own = {"build", "env_file", "environment"}
    gone = {"depends_on", "networks"}  # its servers are on another machine
    assert there.pop("ports") == ["${PRIVATE_ADDRESS:-127.0.0.1}:9464-9479:9464"]
    assert set(there) == set(here) - gone
    assert {n: there[n] for n in set(there) - own} == {n: here[n] for n in set(there) - own}
    assert there["build"] == {**here["build"], "context": "../.."}
    for name, value in there["environment"].items():
        if not name.endswith("_URL"):
            assert here["environment"][name] == value, name


def test_what_scaling_md_says_is_all_that_a_worker_elsewhere_needs() -> None:
    """Production refuses to start on what is missing or unsafe."""
    text = (ROOT / "docs" / "scaling.md").read_text()
    said = text.split("with these lines in `.env`:")[1].split("```")[1]
    given = dict(re.findall(r"^(\w+)=(\S+)", said, re.M))
    secret = secrets.token_urlsafe(40)
    given["EUGPT_SECRET_KEY"] = secret
    for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD"):
        given = {n: value.replace(name, secrets.token_hex(24)) for n, value in given.items()}
    set_here = {
        name: value
        for name, value in services(WORKER)["worker"]["environment"].items()
        if not value.startswith("$")
    }
    env = {"PATH": os.environ["PATH"], "EUGPT_ENV_FILE": "", **given, **set_here}
    ask = [sys.executable, "-c", "from eugpt.config import config_load; config_load()"]
    done = subprocess.run(ask, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_servers_are_published_on_the_private_address_alone() -> None:
    file = yaml.safe_load((DEPLOY / MAIN).read_text())
    assert set(file["services"]) == {"redis", "postgres"}
    for service in file["services"].values():
        assert set(service) == {"networks", "ports"}
        for port in service["ports"]:
            assert re.fullmatch(r"\$\{PRIVATE_ADDRESS:\?[^}]+\}:(\d+):\1", port)
    known = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())["networks"]
    assert known["private"] == {"internal": True}
