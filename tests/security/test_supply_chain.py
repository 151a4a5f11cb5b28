"""What we install and what we publish: advisories are told honestly, secrets are found."""

import json
import random
import string
import subprocess
from pathlib import Path

import pytest

from deploy import audit, secret_scan
from deploy.audit import read_npm_audit, read_pip_audit
from deploy.local.paths import ROOT
from deploy.secret_scan import SHAPES, scan_files, scan_history, scan_lines

SIGNS = string.ascii_letters + string.digits


def _random(count: int, seed: int = 7, signs: str = SIGNS) -> str:
    return "".join(random.Random(seed).choices(signs, k=count))


# Put together here, so that this file does not look like them.
PLANTED = {
    "private key": "-----BEGIN " + "RSA PRIVATE" + " KEY-----",
    "AWS key": "AKIA" + _random(16, signs=string.ascii_uppercase + string.digits),
    "GitHub token": "ghp_" + _random(36),
    "GitLab token": "glpat-" + _random(20),
    "Slack token": "xoxb-" + _random(24),
    "Stripe key": "sk_live_" + _random(24),
    "Google key": "AIza" + _random(35),
    "OpenAI or Anthropic key": "sk-proj-" + _random(48),
    "Hugging Face token": "hf_" + _random(34),
    "npm token": "npm_" + _random(36),
    "PyPI token": "pypi-" + _random(60),
    "signed token": ".".join(["eyJ" + _random(20), "eyJ" + _random(40), _random(43)]),
    "password in a URL": "url = 'postgres://eugpt:" + _random(20) + "@db/eugpt'",
    "secret": "EUGPT_SECRET_" + "KEY=" + _random(50),
    "random text": "return '" + _random(48) + "'",
}


def _git(root: Path, *arguments: str) -> None:
    names = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
    subprocess.run(["git", *names, *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    _git(tmp_path, "init", "-q")
    return tmp_path


def _commit(root: Path, name: str, text: str) -> None:
    (root / name).write_text(text)
    _git(root, "add", name)
    _git(root, "commit", "-qm", "one")


def test_every_shape_is_planted_here() -> None:
    assert set(PLANTED) == set(SHAPES)


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_secret_is_found(repository: Path, kind: str) -> None:
    _commit(repository, "settings.py", f"first = 1\n{PLANTED[kind]}\n")
    found = list(scan_files(repository))
    assert kind in {finding.kind for finding in found}
    assert {finding.place for finding in found} == {"settings.py:2"}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_deleted_secret_is_found_in_the_history(repository: Path, kind: str) -> None:
    _commit(repository, "settings.py", f"{PLANTED[kind]}\n")
    _commit(repository, "settings.py", "nothing here\n")
    assert list(scan_files(repository)) == []
    assert kind in {finding.kind for finding in scan_history(repository)}


def test_most_random_texts_are_found() -> None:
    lines = [f'key = "{_random(44, seed)}"' for seed in range(500)]
    found = {finding.place for finding in scan_lines(lines, "x")}
    assert len(found) > 450


def test_what_is_found_is_not_printed(repository: Path) -> None:
    _commit(repository, "settings.py", PLANTED["GitHub token"])
    [finding] = [it for it in scan_files(repository) if it.kind == "GitHub token"]
    assert PLANTED["GitHub token"][8:] not in str(finding)


def test_our_own_files_are_clean() -> None:
    assert [str(finding) for finding in scan_files(ROOT)] == []


def test_a_skipped_package_is_not_called_safe() -> None:
    """pip-audit ends with 0 where its service knows none of the packages."""
    skipped = {"name": "django", "skip_reason": "Dependency not found on PyPI"}
    fine = {"name": "redis", "version": "6.4.0", "vulns": []}
    report = read_pip_audit("x", json.dumps({"dependencies": [skipped, fine]}), "")
    assert report.not_checked == "not reachable, not checked: 1 of 2"
    assert read_pip_audit("x", json.dumps({"dependencies": [fine]}), "").not_checked == ""


def test_an_advisory_is_told() -> None:
    known = {"id": "PYSEC-1", "fix_versions": ["2.0"], "aliases": [], "description": ""}
    bad = {"name": "redis", "version": "1.0", "vulns": [known]}
    report = read_pip_audit("x", json.dumps({"dependencies": [bad]}), "")
    assert report.found == ["redis 1.0: PYSEC-1 (fixed in 2.0)"]
    answer = {"vulnerabilities": {"next": {"severity": "high", "range": "<16"}}}
    assert read_npm_audit("x", json.dumps(answer), "").found == ["next <16: high"]


@pytest.mark.parametrize("printed", ["", "<html>", '{"message": "no such route", "error": {}}'])
def test_a_service_that_is_away_is_told_as_such(printed: str) -> None:
    report = read_npm_audit("x", printed, "ENOTFOUND")
    assert report.not_checked.startswith("not reachable, not checked")


@pytest.mark.parametrize(
    ("reports", "code"),
    [
        ([audit.Report("a"), audit.Report("b")], 0),
        ([audit.Report("a"), audit.Report("b", not_checked="away")], 3),
        ([audit.Report("a", found=["x"]), audit.Report("b", not_checked="away")], 1),
    ],
)
def test_findings_outweigh_what_could_not_be_asked(reports: list[audit.Report], code: int) -> None:
    assert audit.tell(reports) == code


def test_the_scan_is_a_part_of_make_test() -> None:
    from deploy.checklist import STEPS

    assert any(secret_scan.__name__ in step.command for step in STEPS)
