"""Alerts, dashboards and docs/observability.md against what the processes really show."""

import json
import re
import subprocess
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from deploy.local.paths import ROOT
from eugpt.metrics.cluster import Cluster
from eugpt.metrics.processes import Build
from eugpt.metrics.shown import SHOWN
from tests.metrics.promtool import ALERTS, DASHBOARDS, OBSERVE, panels, program, rules

DOCUMENT = ROOT / "docs" / "observability.md"
_ROW = re.compile(r"^\| `(eugpt_\w+)` \|([^|]*)\| ([^|]*) \| ([^|]+) \|$", re.MULTILINE)
_PARTS = re.compile(r"_(bucket|count|sum)$")


def shown_by(role: str) -> dict[str, set[str]]:
    """Every metric of ours that this process shows, with its labels."""
    found: dict[str, set[str]] = {}
    more = [_alone(Build(role))]
    if role == "jobs":
        cluster = Cluster()
        cluster.look()
        more.append(_alone(cluster))
    for group in (*SHOWN[role], *more):
        for collector in group._collector_to_names:
            for family in collector.collect():
                is_counter = family.type == "counter"
                labels = {label for sample in family.samples for label in sample.labels}
                labels |= set(getattr(family, "_labelnames", ()))  # also where there is none yet
                if isinstance(collector, MetricWrapperBase):
                    labels |= set(collector._labelnames)
                name = f"{family.name}_total" if is_counter else family.name
                found[name] = found.get(name, set()) | (labels - {"le"})
    return found


def _alone(collector: Any) -> CollectorRegistry:
    group = CollectorRegistry()
    group.register(collector)
    return group


@pytest.fixture
def shown(db: None) -> dict[str, dict[str, set[str]]]:
    return {role: shown_by(role) for role in SHOWN}


def test_document_lists_every_metric_with_labels_and_processes(
    shown: dict[str, dict[str, set[str]]],
) -> None:
    written = {
        name: (set(re.findall(r"`(\w+)`", labels)), set(processes.split(", ")))
        for name, labels, processes, _ in _ROW.findall(DOCUMENT.read_text())
    }
    real: dict[str, tuple[set[str], set[str]]] = {}
    for role, metrics in shown.items():
        for name, labels in metrics.items():
            known = real.setdefault(name, (set(), set()))
            known[0].update(labels)
            known[1].add(role)
    assert written == real


def test_queries_use_metrics_and_labels_that_exist(
    shown: dict[str, dict[str, set[str]]],
) -> None:
    names = {name for metrics in shown.values() for name in metrics}
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    queries = [query for _, query in panels()] + [rule["expr"] for rule in rules()]
    used = {name for query in queries for name in re.findall(r"\beugpt[a-z_:0-9]+\b", query)}
    used -= {"eugpt"}  # the job's name
    assert {name if name in names else _PARTS.sub("", name) for name in used} <= names | recorded
    known = {label for metrics in shown.values() for labels in metrics.values() for label in labels}
    known |= {"le", "role", "instance", "job", "alertstate", "alertname"}
    asked = {
        label
        for query in queries
        for braces in re.findall(r"\{([^}]*)\}", query)
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", braces)
    }
    assert asked <= known


def test_labels_have_few_values_that_nobody_outside_can_invent() -> None:
    from chat import metrics

    assert metrics._code("rate_limited") == "rate_limited"
    for odd in ("", "no such thing", "x" * 60, "a-b", "DROP TABLE"):
        assert metrics._code(odd) == "other"


def test_alerts_say_how_grave_what_and_what_to_do() -> None:
    alerts = [rule for rule in rules() if "alert" in rule]
    assert len({rule["alert"] for rule in alerts}) == len(alerts) > 15
    for rule in alerts:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"].endswith(".")
        assert re.fullmatch(r"docs/operations\.md#[a-z-]+", rule["annotations"]["runbook"])


def test_runbooks_exist() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    titles = {title.lower().replace(" ", "-") for title in re.findall(r"^## (.+)$", text, re.M)}
    named = {rule["annotations"]["runbook"].split("#")[1] for rule in rules() if "alert" in rule}
    assert named <= titles


def test_compose_and_kubernetes_give_the_labels_that_alerts_ask_for() -> None:
    (scrape,) = yaml.safe_load((OBSERVE / "prometheus.yml").read_text())["scrape_configs"]
    assert scrape["job_name"] == "eugpt"
    assert set(scrape["dns_sd_configs"][0]["names"]) == set(SHOWN)
    assert [it["target_label"] for it in scrape["relabel_configs"]] == ["role"]
    monitoring = ROOT / "deploy" / "kubernetes" / "components" / "monitoring"
    monitor = yaml.safe_load((monitoring / "podmonitor.yaml").read_text())["spec"]
    (endpoint,) = monitor["podMetricsEndpoints"]
    given = {it["targetLabel"]: it for it in endpoint["relabelings"]}
    assert given["role"]["sourceLabels"] == [
        "__meta_kubernetes_pod_label_app_kubernetes_io_component"
    ]
    assert given["job"]["replacement"] == "eugpt"


def test_each_alert_has_a_case_that_fires_and_one_that_does_not() -> None:
    cases = yaml.safe_load((OBSERVE / "alerts_test.yml").read_text())["tests"]
    seen: dict[str, set[bool]] = {}
    for case in cases:
        for test in case.get("alert_rule_test", ()):
            seen.setdefault(test["alertname"], set()).add(bool(test["exp_alerts"]))
    assert seen == {rule["alert"]: {True, False} for rule in rules() if "alert" in rule}


@pytest.mark.parametrize(
    "command",
    ["check config prometheus.yml", "check rules alerts.yml", "test rules alerts_test.yml"],
)
def test_promtool_agrees(command: str) -> None:
    done = subprocess.run(
        [program("promtool"), *command.split()],
        cwd=OBSERVE, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_dashboards_have_ids_units_and_a_source_to_choose() -> None:
    boards = [json.loads(path.read_text()) for path in DASHBOARDS]
    assert len({board["uid"] for board in boards}) == len(boards) == 3
    for board in boards:
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)
        assert {"source"} < {variable["name"] for variable in board["templating"]["list"]}
        for panel in board["panels"]:
            if panel["type"] in {"stat", "timeseries"}:
                assert panel["fieldConfig"]["defaults"]["unit"]
            if panel["type"] != "row":
                assert panel["datasource"]["uid"] == "${source}"
    assert ALERTS.exists()
