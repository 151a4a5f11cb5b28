"""`make audit`: are advisories known for what is installed? Asks the services of PyPI and npm.

Exit codes: 0 nothing is known, 1 something is, 3 a service could not be asked. A skipped package
counts as not asked: pip-audit itself calls that a success.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.local.node import find_npm
from deploy.local.paths import FRONTEND, ROOT

CLEAN, FOUND, NOT_CHECKED = 0, 1, 3
TIMEOUT_S = 300
# Both: what one file includes, pip-audit does not look at without pip.
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")
_WORST = {"high", "critical", "moderate", "low", "info"}


@dataclass
class Report:
    """What one service knows; `not_checked` says why it was not asked about all."""

    name: str
    found: list[str] = field(default_factory=list)
    not_checked: str = ""


def main() -> int:
    return tell([_python(), _npm()])


def tell(reports: Sequence[Report]) -> int:
    """Print them; returns the exit code."""
    for report in reports:
        for line in report.found:
            print(f"FOUND  {report.name}: {line}")
        if report.not_checked:
            print(f"NOT CHECKED  {report.name}: {report.not_checked}")
        elif not report.found:
            print(f"ok  {report.name}: no advisory is known")
    if any(report.found for report in reports):
        return FOUND
    return NOT_CHECKED if any(report.not_checked for report in reports) else CLEAN


def _python() -> Report:
    name = "Python packages (requirements*.txt)"
    command = [
        sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip",
        *(part for it in REQUIREMENTS for part in ("--requirement", it)),
        "--format", "json", "--progress-spinner", "off", "--timeout", "20",
    ]  # fmt: skip
    return read_pip_audit(name, *_run(command, ROOT))


def _npm() -> Report:
    name = "npm packages (frontend/package-lock.json)"
    npm = find_npm()
    return read_npm_audit(name, *_run([*npm.command, "audit", "--json"], FRONTEND, npm.env))


def _run(
    command: Sequence[str], folder: Path, env: dict[str, str] | None = None
) -> tuple[str, str]:
    """What it prints, and its last words."""
    try:
        done = subprocess.run(
            command, cwd=folder, env=env, capture_output=True, text=True, timeout=TIMEOUT_S,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", type(error).__name__
    return done.stdout, (done.stderr.strip().splitlines() or [""])[-1]


def read_pip_audit(name: str, printed: str, last_words: str) -> Report:
    """pip-audit's JSON: each package with its advisories, or why it was skipped."""
    report, answer = Report(name), _json(printed)
    if answer is None:
        report.not_checked = f"not reachable, not checked ({last_words})"
        return report
    packages = answer["dependencies"]
    skipped = [it["name"] for it in packages if "skip_reason" in it]
    report.found = [
        f"{it['name']} {it['version']}: {advisory['id']}"
        f" (fixed in {', '.join(advisory['fix_versions']) or 'no version'})"
        for it in packages
        for advisory in it.get("vulns", ())
    ]
    if skipped:
        report.not_checked = f"not reachable, not checked: {len(skipped)} of {len(packages)}"
    return report


def read_npm_audit(name: str, printed: str, last_words: str) -> Report:
    """npm's JSON: advisories by package, or an error."""
    report, answer = Report(name), _json(printed)
    if answer is None or "vulnerabilities" not in answer:
        said = (answer or {}).get("message") or last_words
        report.not_checked = f"not reachable, not checked ({str(said)[:200]})"
        return report
    for package, known in answer["vulnerabilities"].items():
        assert known["severity"] in _WORST, known
        report.found.append(f"{package} {known['range']}: {known['severity']}")
    return report


def _json(printed: str) -> dict[str, Any] | None:
    try:
        answer: dict[str, Any] = json.loads(printed)
    except ValueError:
        return None
    return answer


if __name__ == "__main__":
    sys.exit(main())
