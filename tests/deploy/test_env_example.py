"""`.env.example` lists every setting, with a comment each and the defaults of the code."""

import itertools
import re
from pathlib import Path

import pytest
from dotenv import dotenv_values

from deploy.local import procfile
from deploy.local.paths import ROOT
from eugpt.config import Config, known_variables

EXAMPLE = ROOT / ".env.example"
# Read by the launcher and docker-compose.yml, not by Django.
OUTSIDE_DJANGO = {"BIND", "SITE_ADDRESS", "POSTGRES_PASSWORD", "REDIS_PASSWORD"}


def test_example_lists_every_setting_and_no_other() -> None:
    assert set(dotenv_values(EXAMPLE)) == known_variables() | OUTSIDE_DJANGO


def test_example_explains_every_setting() -> None:
    lines = EXAMPLE.read_text().splitlines()
    unexplained = [
        line
        for before, line in itertools.pairwise(lines)
        if re.match(r"\w+=", line) and not before.startswith("# ")
    ]
    assert unexplained == []


def test_example_values_are_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in known_variables():
        monkeypatch.delenv(name, raising=False)
    # mypy does not know the private keyword of BaseSettings that replaces model_config.
    from_example = Config(_env_file=EXAMPLE)  # type: ignore[call-arg]
    assert from_example == Config(_env_file=None)  # type: ignore[call-arg]


def test_process_table_defaults_match_the_example() -> None:
    example = dotenv_values(EXAMPLE)
    assert {name: example[name] for name in procfile.DEFAULTS} == procfile.DEFAULTS


def test_compose_interpolates_documented_names_only() -> None:
    compose = Path(ROOT / "deploy" / "docker-compose.yml").read_text()
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", compose))
    assert used - {"PIP_TORCH_ARGS"} <= set(dotenv_values(EXAMPLE))
