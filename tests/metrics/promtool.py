"""Debian's Prometheus and promtool (deploy/setup-prometheus.sh), and what there is to ask them."""

import json
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from deploy.local.paths import ROOT

OBSERVE = ROOT / "deploy" / "observe"
ALERTS = OBSERVE / "alerts.yml"
DASHBOARDS = sorted((OBSERVE / "grafana" / "dashboards").glob("*.json"))
_FETCHED = ROOT / "var" / "tools" / "prometheus" / "usr" / "bin"


def program(name: str) -> str:
    """The path of `prometheus` or `promtool`; skips the test where there is none."""
    fetched = _FETCHED / name
    found = str(fetched) if fetched.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name}: deploy/setup-prometheus.sh fetches it on Debian")
    return found


def rules() -> list[dict[str, Any]]:
    """Recorded series and alerts."""
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> Iterator[tuple[str, str]]:
    """What each panel is called, and each query of it as Prometheus takes it."""
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", ()):
                name = f"{path.stem}: {panel['title']} {target['refId']}"
                query = target["expr"].replace("$__rate_interval", "1m")
                yield name, re.sub(r"\$\w+", ".*", query)
