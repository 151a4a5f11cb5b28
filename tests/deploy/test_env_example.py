"""`.env.example` lists every setting, with a comment each and the defaults of the code."""

import itertools
import re

import pytest
from dotenv import dotenv_values

from deploy.local import procfile
from deploy.local.paths import ROOT
from eugpt.config import Config, known_variables

EXAMPLE = ROOT / ".env.example"
COMPOSE = [ROOT / "deploy" / name for name in ("docker-compose.yml", "docker-compose.dev.yml")]
# Read by the launcher, not by Django; the rest that Django does not know is for compose files.
OUTSIDE_DJANGO = {"BIND"}


def compose_variables() -> set[str]:
    """What the compose files take from .env."""
    return {name for path in COMPOSE for name in re.findall(r"(?<!\$)\$\{(\w+)", path.read_text())}


def test_example_lists_every_setting_and_no_other() -> None:
    known = known_variables() | OUTSIDE_DJANGO | compose_variables()
    assert set(dotenv_values(EXAMPLE)) == known


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


def test_compose_defaults_are_those_of_the_example() -> None:
    example = dotenv_values(EXAMPLE)
    for path in COMPOSE:
        for name, default in re.findall(r"(?<!\$)\$\{(\w+):-([^}]*)\}", path.read_text()):
            assert example[name] in (default, "") or name == "PIP_TORCH_ARGS", name
