"""`make lighthouse`: the pages as Lighthouse sees them, on a fresh EuGPT, phone and desktop.

Lighthouse is no dependency of the page: it lies in var/lighthouse, with the reports.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from deploy.chromium import FLAGS, find_chromium
from deploy.local import frontend
from deploy.local.errors import SetupError
from deploy.local.fresh import fresh_installation
from deploy.local.launcher import Stopped
from deploy.local.node import find_npm
from deploy.local.paths import ROOT

# The last line that runs on Node.js 20.
VERSION = "12.8.2"
FOLDER = ROOT / "var" / "lighthouse"
PROGRAM = FOLDER / "node_modules" / "lighthouse" / "cli" / "index.js"
PAGES = {"welcome": "/", "login": "/login/", "shared": "/shared/"}
LIMITS = {"performance": 95, "accessibility": 95, "best-practices": 95, "seo": 90}
# Shown, not judged. A phone is simulated at a quarter of this processor's speed, so that its first
# figure says much about the machine; and a shared conversation asks not to be indexed.
UNJUDGED = {("phone", "performance"), ("shared", "seo")}


def main() -> int:
    """Install what is missing, measure every page, print the scores; 1 when one is too low."""
    try:
        _install()
        frontend.build()
        with fresh_installation({}) as installation:
            return _measure_all(installation.url)
    except Stopped:
        return 1
    except SetupError as error:
        print(f"EuGPT: {error}", file=sys.stderr)
        return 1


def _install() -> None:
    package = PROGRAM.parents[1] / "package.json"
    if package.exists() and json.loads(package.read_text())["version"] == VERSION:
        return
    print(f"Installing Lighthouse {VERSION} in {FOLDER} ...", flush=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    npm = find_npm()
    command = ["install", "--prefix", str(FOLDER), "--no-save", "--no-audit", "--no-fund"]
    command = [*npm.command, *command, f"lighthouse@{VERSION}"]
    if subprocess.run(command, env=npm.env, cwd=FOLDER, check=False).returncode != 0:
        raise SetupError("Lighthouse could not be installed: see npm's output above.")


def _measure_all(url: str) -> int:
    print(f"\n{'page':10}{'as':10}" + "".join(f"{name:>16}" for name in LIMITS))
    failed = False
    for name, path in PAGES.items():
        for device in ("phone", "desktop"):
            scores = _measure(url + path, device, FOLDER / f"{name}-{device}.json")
            print(f"{name:10}{device:10}" + "".join(f"{scores[one]:16.0f}" for one in LIMITS))
            failed |= any(
                scores[one] < limit and not {(device, one), (name, one)} & UNJUDGED
                for one, limit in LIMITS.items()
            )
    print(f"\nReports: {FOLDER}/*.json" + ("; a score is too low" if failed else ""))
    return int(failed)


def _measure(url: str, device: str, report: Path) -> dict[str, float]:
    """The scores of one page, 0 to 100."""
    chromium = find_chromium()
    if chromium is None:
        raise SetupError("There is no Chromium: install the chromium package.")
    node = find_npm()
    flags = " ".join(("--headless=new", *FLAGS))
    command = ["node", str(PROGRAM), url, "--quiet", "--output=json", f"--output-path={report}"]
    command += [f"--chrome-flags={flags}", f"--only-categories={','.join(LIMITS)}"]
    if device == "desktop":
        command.append("--preset=desktop")
    env = {**os.environ, **node.env, "CHROME_PATH": chromium}
    done = subprocess.run(command, env=env, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise SetupError(f"Lighthouse failed on {url}: {done.stderr[-2000:]}")
    categories = json.loads(report.read_text())["categories"]
    return {name: 100 * (categories[name]["score"] or 0) for name in LIMITS}


if __name__ == "__main__":
    sys.exit(main())
