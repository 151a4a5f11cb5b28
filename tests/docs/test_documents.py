"""The documents name what the code has: error codes, events, close codes, commands, links."""

import re
from pathlib import Path

from websockets.frames import CloseCode

from accounts import errors as accounts_errors
from accounts.errors import ApiError
from chat import consumers
from chat import errors as chat_errors
from chat.delivery.endings import ERROR_DETAILS
from chat.delivery.follow import GONE, QUIET
from chat.protocol import BY_TYPE
from inference.engine.params import PARAM_NAMES, SamplingParams, params_schema
from training.commands import COMMANDS

ROOT = Path(__file__).parents[2]
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_architecture_lists_every_error_code_with_its_status() -> None:
    table = {
        (code, int(status))
        for codes, status in re.findall(
            r"^\| ([a-z_, ()':]+[^|]*?) \| (\d{3}) \|", ARCHITECTURE, re.M
        )
        for code in re.findall(r"[a-z_]+", codes.split("(")[0])
    }
    classes = [
        value
        for module in (accounts_errors, chat_errors)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, ApiError)
    ]
    expected = {(c.default_code, c.status_code) for c in classes} | {("internal", 500)}
    assert table == expected


def test_architecture_lists_every_stream_error() -> None:
    for code in {*ERROR_DETAILS, GONE["code"], QUIET["code"]}:
        assert re.search(rf"\b{code}\b", ARCHITECTURE), code


def test_architecture_lists_client_messages_and_close_codes() -> None:
    for kind in BY_TYPE:
        assert f"`{kind}" in ARCHITECTURE, kind
    protocol = (CloseCode.MESSAGE_TOO_BIG, CloseCode.INVALID_DATA)
    for code in (*consumers.CLOSE_CODES.values(), consumers.IDLE, consumers.POLICY, *protocol):
        assert re.search(rf"\b{int(code)}\b", ARCHITECTURE), code


def test_architecture_lists_every_param_with_range_and_default() -> None:
    rows = [
        [cell.strip().split(", ") for cell in line.split("|")[1:4]]
        for line in ARCHITECTURE.split("| param |")[1].split("\n\n")[0].splitlines()[2:]
    ]
    table = {n: (r, d) for row in rows for n, r, d in zip(*row, strict=True)}
    assert set(table) == set(PARAM_NAMES)
    defaults = SamplingParams().to_dict()
    for name, schema in params_schema()["properties"].items():
        span, default = table[name]
        if name != "seed":
            assert default == str(defaults[name]).removesuffix(".0"), name
        if "minimum" in schema and name != "seed":
            assert span == f"{schema['minimum']:g} to {schema['maximum']:g}", name


def test_training_document_names_every_subcommand() -> None:
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"python -m training {name}" in text, name


def test_links_between_documents_lead_somewhere() -> None:
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("deploy/*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / link).exists(), f"{path.name}: {link}"


def test_readme_and_architecture_stay_short() -> None:
    for name, limit in (("README.md", 150), ("ARCHITECTURE.md", 250)):
        assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= limit, name


def test_compose_commands_name_their_file_and_settings() -> None:
    """Without both compose looks in the wrong folder and stops at the first password."""
    ours = r"--env-file \.env[\s\\#]+-f deploy/(docker-compose|hosts/worker)\.yml"
    given = rf"{ours}|-f deploy/docker-compose\.dev\.yml"
    places = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("deploy/**/*.md")]
    for path in [*places, *ROOT.glob("deploy/*.yml"), *ROOT.glob("deploy/hosts/*.yml")]:
        for said in re.findall(r"docker compose ([\s\S]{0,90})", path.read_text(encoding="utf-8")):
            assert re.match(given, said), f"{path.name}: {said}"
