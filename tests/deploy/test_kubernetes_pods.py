"""How pods live: rights, probes, ends, scaling, and that labels and ports lead somewhere."""

import re

import pytest
from django.conf import settings
from django.urls import resolve

from deploy.local import procfile
from deploy.local.paths import ROOT
from eugpt.config import Config
from tests.deploy.manifests import (
    COMPONENT,
    OVERLAYS,
    Manifest,
    containers,
    named,
    of_kind,
    pod,
    pod_labels,
    selects,
    variables,
    workloads,
)

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
EACH = [(overlay, name) for overlay in OVERLAYS for name in workloads(overlay)]


def _ours(workload: Manifest) -> bool:
    return pod_labels(workload)[COMPONENT] not in {"postgres", "redis"}


@pytest.mark.parametrize(("overlay", "name"), EACH)
def test_pod_has_no_rights(overlay: str, name: str) -> None:
    spec = pod(workloads(overlay)[name])
    assert spec["automountServiceAccountToken"] is False
    assert spec["serviceAccountName"] == "eugpt"
    # Unknown EUGPT_* are refused, and Kubernetes would put one there for a Service eugpt-….
    assert spec["enableServiceLinks"] is False
    security = spec["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    if _ours(workloads(overlay)[name]):
        dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
        assert f"--uid {security['runAsUser']}" in dockerfile
    for volume in spec.get("volumes", ()):
        assert volume["emptyDir"]["sizeLimit"]


@pytest.mark.parametrize(("overlay", "name"), EACH)
def test_container_is_confined(overlay: str, name: str) -> None:
    for container in containers(workloads(overlay)[name]):
        security = container["securityContext"]
        assert security["readOnlyRootFilesystem"] is True
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"]["drop"] == ["ALL"]
        # Pod Security "restricted" allows this one only, and only Caddy's binary asks for it.
        added = security["capabilities"].get("add", [])
        assert added == (["NET_BIND_SERVICE"] if container["name"] == "caddy" else [])
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_namespace_refuses_other_pods(overlay: str) -> None:
    (namespace,) = of_kind(overlay, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    others = {it["metadata"].get("namespace") for it in of_kind(overlay, "Deployment", "Job")}
    assert others == {namespace["metadata"]["name"]}


@pytest.mark.parametrize(("overlay", "name"), EACH)
def test_selectors_match_one_set_of_pods(overlay: str, name: str) -> None:
    workload = workloads(overlay)[name]
    if workload["kind"] != "Job":
        selector = workload["spec"]["selector"]
        assert _selected(overlay, selector) == [name]
    for spread in pod(workload).get("topologySpreadConstraints", ()):
        assert _selected(overlay, spread["labelSelector"]) == [name]


def _selected(overlay: str, selector: Manifest) -> list[str]:
    return [name for name, it in workloads(overlay).items() if selects(selector, pod_labels(it))]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_services_lead_to_ports_of_one_workload(overlay: str) -> None:
    for service in of_kind(overlay, "Service"):
        (target,) = _selected(overlay, {"matchLabels": service["spec"]["selector"]})
        assert target == service["metadata"]["name"]
        offered = _ports(workloads(overlay)[target])
        assert {it["targetPort"] for it in service["spec"]["ports"]} <= set(offered)


def _ports(workload: Manifest) -> dict[str, int]:
    return {
        port["name"]: port["containerPort"]
        for container in pod(workload)["containers"]
        for port in container.get("ports", ())
    }


@pytest.mark.parametrize("name", list(procfile.read_table()))
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_ports_are_those_of_the_settings(overlay: str, name: str) -> None:
    workload = workloads(overlay)[name]
    (container,) = pod(workload)["containers"]
    given, ports = variables(overlay, container), _ports(workload)
    assert ports["metrics"] == int(given["EUGPT_METRICS_PORT"])
    assert given["EUGPT_METRICS_BIND"] == given["BIND"] == "0.0.0.0"
    assert ports.get("http", int(given["PORT"])) == int(given["PORT"])


@pytest.mark.parametrize("name", list(procfile.read_table()))
def test_probes_ask_what_is_answered(name: str) -> None:
    workload = workloads("example")[name]
    (container,) = pod(workload)["containers"]
    private = _metrics_source()
    for probe in (container[it] for it in PROBES if it in container):
        request = probe["httpGet"]
        if request["port"] == "metrics":
            assert f'"{request["path"]}"' in private
        else:
            assert resolve(request["path"])
            # The pod's own address is no allowed host.
            assert {"name": "Host", "value": "localhost"} in request["httpHeaders"]
    assert {"startupProbe", "livenessProbe"} <= set(container)


def _metrics_source() -> str:
    return "".join(it.read_text() for it in (ROOT / "eugpt" / "metrics").glob("*.py"))


def test_readiness_of_web_is_its_own() -> None:
    """When the last worker dies, people see a queue and not a dead site."""
    (container,) = pod(workloads("example")["web"])["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/livez"


def test_worker_is_not_restarted_because_redis_is_away() -> None:
    (container,) = pod(workloads("example")["worker"])["containers"]
    probe = container["livenessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 300


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_probe_of_the_edge_is_the_caddyfiles(overlay: str) -> None:
    (container,) = pod(workloads(overlay)["edge"])["containers"]
    caddyfile = (ROOT / "deploy" / "Caddyfile").read_text()
    for url in {container[it]["exec"]["command"][-1] for it in PROBES}:
        address, path = re.fullmatch(r"(http://[^/]+)(/.*)", url).groups()  # type: ignore[union-attr]
        assert re.search(rf"{re.escape(address)} \{{[^}}]*respond {path} 200", caddyfile)


@pytest.mark.parametrize("name", ["edge", "web", "worker"])
def test_rollout_takes_nothing_away_before_the_new_is_there(name: str) -> None:
    strategy = workloads("example")[name]["spec"]["strategy"]["rollingUpdate"]
    assert strategy == {"maxSurge": 1, "maxUnavailable": 0}


def test_pods_have_time_to_end() -> None:
    table = procfile.read_table()
    graceful = re.search(r"--timeout-graceful-shutdown (\d+)", table["web"])
    assert graceful
    web = pod(workloads("example")["web"])
    (container,) = web["containers"]
    leaving = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert web["terminationGracePeriodSeconds"] >= leaving + int(graceful[1]) + 10
    caddy = re.search(r"grace_period (\d+)s", (ROOT / "deploy" / "Caddyfile").read_text())
    edge = pod(workloads("example")["edge"])
    assert edge["terminationGracePeriodSeconds"] >= leaving + int(caddy[1] if caddy else 0) + 5
    soft = getattr(settings, "CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT", 0)
    worker = pod(workloads("example")["worker"])
    assert worker["terminationGracePeriodSeconds"] >= soft + 30


def test_beat_runs_once() -> None:
    beat = named("example", "Deployment", "beat")["spec"]
    assert beat["replicas"] == 1
    assert beat["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_disruption_budgets_let_nodes_be_drained(overlay: str) -> None:
    budgets = {it["metadata"]["name"]: it["spec"] for it in of_kind(overlay, "PodDisruptionBudget")}
    assert set(budgets) == {"edge", "web", "worker", "jobs"}
    for name, budget in budgets.items():
        assert _selected(overlay, budget["selector"]) == [name]
        assert budget["maxUnavailable"] == 1


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_who_scales_owns_the_number(overlay: str) -> None:
    for scaler in of_kind(overlay, "HorizontalPodAutoscaler", "ScaledObject"):
        target = scaler["spec"]["scaleTargetRef"]
        assert "replicas" not in named(overlay, target["kind"], target["name"])["spec"]


def test_workers_are_scaled_by_numbers_that_exist() -> None:
    (scaled,) = of_kind("example", "ScaledObject")
    (trigger,) = scaled["spec"]["triggers"]
    names = set(re.findall(r"eugpt_\w+", trigger["metadata"]["query"]))
    assert "eugpt_queue_depth" in names
    assert {name for name in names if f'"{name}"' not in _metrics_source()} == set()
    # No more than one worker writes side by side: else those who wait would start no other.
    assert 0 < float(trigger["metadata"]["threshold"]) <= Config.model_fields["slots"].default


def test_prometheus_finds_every_process() -> None:
    (monitor,) = of_kind("example", "PodMonitor")
    found = {
        name
        for name in _selected("example", monitor["spec"]["selector"])
        for endpoint in monitor["spec"]["podMetricsEndpoints"]
        if endpoint["port"] in _ports(workloads("example")[name])
    }
    assert found == set(procfile.read_table())


def test_engine_uses_the_cpus_it_has() -> None:
    (container,) = pod(workloads("example")["worker"])["containers"]
    resources = container["resources"]
    assert resources["requests"]["cpu"] == resources["limits"]["cpu"]
    threads = variables("example", container)["EUGPT_ENGINE_THREADS"]
    assert threads == resources["limits"]["cpu"]
