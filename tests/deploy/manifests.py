"""The manifests of deploy/kubernetes as kustomize builds them, and how Kubernetes reads labels."""

import os
import shutil
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from deploy.local.paths import ROOT

KUBERNETES = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("example", "try")
KUBECTL = Path(sys.executable).with_name("kubectl")
COMPONENT = "app.kubernetes.io/component"
# What an operator exports before new-secrets.sh where the servers are given.
GIVEN = {
    "DATABASE_URL": "postgresql://eugpt:{}@db.example.org/eugpt".format("kq3vZ9xW2mB7"),
    "REDIS_URL": "rediss://eugpt:{}@cache.example.org:6379/0".format("7hTq2LwX9sRd"),
}

Manifest = dict[str, Any]


def new_secrets(folder: Path, given: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the script that writes an overlay's secrets."""
    return subprocess.run(
        [KUBERNETES / "new-secrets.sh", folder],
        env={"PATH": os.defpath, **given},
        capture_output=True,
        text=True,
        check=False,
    )


@cache
def built(overlay: str) -> tuple[Manifest, ...]:
    """What `kubectl apply -k` would send, with fresh secrets. Made once: not to be changed."""
    with TemporaryDirectory() as place:
        root = Path(place) / "kubernetes"
        # An operator's own secrets stay where they are.
        own = shutil.ignore_patterns("secrets.env", "stores.env")
        shutil.copytree(KUBERNETES, root, ignore=own)
        folder = root / "overlays" / overlay
        made = new_secrets(folder, {} if overlay == "try" else GIVEN)
        assert made.returncode == 0, made.stderr
        result = subprocess.run(
            [KUBECTL, "kustomize", folder], capture_output=True, text=True, check=False
        )
    assert result.returncode == 0, result.stderr
    return tuple(document for document in yaml.safe_load_all(result.stdout) if document)


def of_kind(overlay: str, *kinds: str) -> list[Manifest]:
    return [it for it in built(overlay) if it["kind"] in kinds]


def named(overlay: str, kind: str, name: str) -> Manifest:
    """The one of this kind and name; generated names have a hash behind."""
    found = [
        it
        for it in of_kind(overlay, kind)
        if it["metadata"]["name"] == name or it["metadata"]["name"].startswith(f"{name}-")
    ]
    (one,) = [it for it in found if it["metadata"]["name"] == name] or found
    return one


def workloads(overlay: str) -> dict[str, Manifest]:
    """Name → Deployment, StatefulSet or Job."""
    found = of_kind(overlay, "Deployment", "StatefulSet", "Job")
    return {it["metadata"]["name"]: it for it in found}


def pod(workload: Manifest) -> Manifest:
    """The spec of its pods."""
    spec: Manifest = workload["spec"]["template"]["spec"]
    return spec


def pod_labels(workload: Manifest) -> dict[str, str]:
    labels: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return labels


def containers(workload: Manifest) -> Iterator[Manifest]:
    """All of them, those that run first included."""
    yield from pod(workload).get("initContainers", ())
    yield from pod(workload)["containers"]


def selects(selector: Manifest, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches; an empty one matches everything."""
    for expression in selector.get("matchExpressions", ()):
        assert expression["operator"] == "In", "only In is used, and understood here"
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return all(labels.get(name) == it for name, it in selector.get("matchLabels", {}).items())


def variables(overlay: str, container: Manifest) -> dict[str, str]:
    """The environment of a container, its ConfigMaps and Secrets resolved."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        if "configMapRef" in source:
            found |= named(overlay, "ConfigMap", source["configMapRef"]["name"])["data"]
        else:
            found |= _secret(overlay, source["secretRef"]["name"])
    for entry in container.get("env", ()):
        found[entry["name"]] = entry.get("value") or _value(overlay, container, entry)
    return found


def _secret(overlay: str, name: str) -> dict[str, str]:
    data = named(overlay, "Secret", name)["data"]
    return {key: b64decode(value).decode() for key, value in data.items()}


def _value(overlay: str, container: Manifest, entry: Manifest) -> str:
    source = entry.get("valueFrom", {})
    if "secretKeyRef" in source:
        return _secret(overlay, source["secretKeyRef"]["name"])[source["secretKeyRef"]["key"]]
    if "resourceFieldRef" in source:
        part, resource = source["resourceFieldRef"]["resource"].split(".")
        return str(container["resources"][part][resource])
    return ""


def flows(overlay: str, ports: Sequence[int]) -> set[tuple[str, str, int]]:
    """Who may call whom on which of these ports, by the network policies: both ends must agree."""
    labels = {name: pod_labels(it) for name, it in workloads(overlay).items()}
    return {
        (source, target, port)
        for source in labels
        for target in labels
        for port in ports
        if _may(overlay, "Egress", labels[source], labels[target], port)
        and _may(overlay, "Ingress", labels[target], labels[source], port)
    }


def _may(
    overlay: str, direction: str, mine: Mapping[str, str], other: Mapping[str, str], port: int
) -> bool:
    policies = [
        it["spec"]
        for it in of_kind(overlay, "NetworkPolicy")
        if direction in it["spec"]["policyTypes"] and selects(it["spec"]["podSelector"], mine)
    ]
    if not policies:
        return True  # what no policy selects is open
    end = "to" if direction == "Egress" else "from"
    return any(
        _is_for(rule, port) and any(_is_pod(peer, other) for peer in rule.get(end, ({},)))
        for policy in policies
        for rule in policy.get(direction.lower(), ())
    )


def _is_for(rule: Manifest, port: int) -> bool:
    return "ports" not in rule or any(it["port"] == port for it in rule["ports"])


def _is_pod(peer: Manifest, labels: Mapping[str, str]) -> bool:
    """Whether a peer means a pod of ours: other namespaces and addresses do not."""
    if "namespaceSelector" in peer or "ipBlock" in peer:
        return False
    return selects(peer.get("podSelector", {}), labels)
