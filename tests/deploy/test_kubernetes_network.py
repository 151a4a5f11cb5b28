"""The network policies, played through: every flow that is needed, and no other."""

import pytest

from deploy.local import procfile
from tests.deploy.manifests import (
    OVERLAYS,
    Manifest,
    flows,
    of_kind,
    pod_labels,
    selects,
    workloads,
)

WEB, POSTGRES, REDIS, METRICS, EDGE = 8000, 5432, 6379, 9464, 8080
PORTS = (WEB, POSTGRES, REDIS, METRICS, EDGE, 80, 443, 8443, 2020)
CLIENTS = {*procfile.read_table(), "release"}  # deploy/wait.py asks both servers in all of them


def test_only_the_needed_flows_are_open() -> None:
    to_servers = {
        (name, server, port)
        for name in CLIENTS
        for server, port in (("postgres", POSTGRES), ("redis", REDIS))
    }
    assert flows("try", PORTS) == {("edge", "web", WEB)} | to_servers


def test_with_servers_elsewhere_pods_speak_to_web_only() -> None:
    assert flows("example", PORTS) == {("edge", "web", WEB)}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_pod_is_left_open(overlay: str) -> None:
    everything: Manifest = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert everything in [it["spec"] for it in of_kind(overlay, "NetworkPolicy")]
    for policy in of_kind(overlay, "NetworkPolicy"):
        for rule in (*policy["spec"].get("ingress", ()), *policy["spec"].get("egress", ())):
            assert rule["ports"], policy["metadata"]["name"]
            assert rule.get("from") or rule.get("to"), policy["metadata"]["name"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_policy_is_for_somebody(overlay: str) -> None:
    for policy in of_kind(overlay, "NetworkPolicy"):
        selector = policy["spec"]["podSelector"]
        selected = [it for it in workloads(overlay).values() if selects(selector, pod_labels(it))]
        assert selected, policy["metadata"]["name"]
        for expression in selector.get("matchExpressions", ()):
            assert len(selected) == len(expression["values"]), policy["metadata"]["name"]


def _outside(name: str, direction: str) -> dict[int, list[Manifest]]:
    """Port → the peers outside the namespace that this pod of the example may meet."""
    labels, found = pod_labels(workloads("example")[name]), dict[int, list[Manifest]]()
    for policy in of_kind("example", "NetworkPolicy"):
        if not selects(policy["spec"]["podSelector"], labels):
            continue
        for rule in policy["spec"].get(direction, ()):
            peers = rule["to" if direction == "egress" else "from"]
            far = [it for it in peers if "ipBlock" in it or "namespaceSelector" in it]
            for port in rule["ports"]:
                found.setdefault(port["port"], []).extend(far)
    return {port: peers for port, peers in found.items() if peers}


@pytest.mark.parametrize("name", sorted({*CLIENTS, "edge"}))
def test_what_leaves_the_namespace(name: str) -> None:
    allowed = _outside(name, "egress")
    servers = {POSTGRES, REDIS} if name in CLIENTS else set()
    mail = {587} if name == "jobs" else set()
    assert set(allowed) == {53} | servers | mail
    for port in servers | mail:
        assert all(it["ipBlock"]["cidr"] != "0.0.0.0/0" for it in allowed[port])


@pytest.mark.parametrize("name", sorted({*CLIENTS, "edge"}))
def test_what_comes_into_the_namespace(name: str) -> None:
    expected = {"edge": {EDGE}, "release": set()}.get(name, {METRICS})
    allowed = _outside(name, "ingress")
    assert set(allowed) == expected
    for peers in allowed.values():
        assert all(it["namespaceSelector"]["matchLabels"] for it in peers)
