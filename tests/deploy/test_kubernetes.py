"""The manifests build, follow Kubernetes' schemas and start what the process table says."""

import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from deploy.local import procfile
from deploy.local.paths import ROOT
from eugpt.config import Config, known_variables
from eugpt.production import production_problems
from tests.deploy.custom_resources import CUSTOM_RESOURCES
from tests.deploy.manifests import (
    GIVEN,
    KUBERNETES,
    OVERLAYS,
    built,
    containers,
    named,
    new_secrets,
    of_kind,
    pod,
    variables,
    workloads,
)

# `preStop: sleep` came with 1.30; the newest one we have schemas of.
VERSIONS = ("1.30", "1.37")
FOLDERS = sorted(path.parent for path in KUBERNETES.rglob("kustomization.yaml"))
IMAGES = {"eugpt-edge", "eugpt-web", "eugpt-worker"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_manifests_follow_their_schemas(overlay: str, version: str) -> None:
    for document in built(overlay):
        if schema := CUSTOM_RESOURCES.get(document["kind"]):
            jsonschema.validate(document, schema)
        else:
            kubernetes_validate.validate(document, version, strict=True)


def test_schemas_refuse_what_is_misspelt() -> None:
    wrong = {
        **named("example", "Deployment", "web"),
        "spec": {**named("example", "Deployment", "web")["spec"], "replica": 3},
    }
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)
    (scaled,) = of_kind("example", "ScaledObject")
    wrong = {**scaled, "spec": {**scaled["spec"], "minReplicas": 1}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, CUSTOM_RESOURCES["ScaledObject"])


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda it: it.name)
def test_every_file_is_listed_by_its_kustomization(folder: Path) -> None:
    kustomization: dict[str, Any] = yaml.safe_load((folder / "kustomization.yaml").read_text())
    listed = {it for it in kustomization.get("resources", ()) if not it.startswith("..")}
    listed |= {it["path"] for it in kustomization.get("patches", ()) if "path" in it}
    assert listed == {it.name for it in folder.glob("*.yaml")} - {"kustomization.yaml"}


def test_every_component_is_tried() -> None:
    used: set[str] = set()
    for overlay in OVERLAYS:
        text = (KUBERNETES / "overlays" / overlay / "kustomization.yaml").read_text()
        used |= {Path(it).name for it in yaml.safe_load(text).get("components", ())}
    assert used == {it.name for it in (KUBERNETES / "components").iterdir()}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_processes_are_those_of_the_process_table(overlay: str) -> None:
    started = [
        (it["kind"], container["args"])
        for it in workloads(overlay).values()
        for container in pod(it)["containers"]
        if _target(container["image"]) in {"web", "worker"}
    ]
    expected = [("Deployment", [name]) for name in procfile.read_table()]
    assert sorted(started) == sorted([*expected, ("Job", ["release"])])


def _target(image: str) -> str:
    """The Dockerfile's stage of one of our images, else nothing."""
    name = image.rsplit("/", 1)[-1].split(":")[0]
    return name.removeprefix("eugpt-") if name in IMAGES else ""


def test_images_are_stages_of_the_dockerfile() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    stages = set(re.findall(r"^FROM .* AS (\w+)$", dockerfile, re.MULTILINE))
    assert {it.removeprefix("eugpt-") for it in IMAGES} <= stages
    only_worker = {
        name
        for name, it in workloads("try").items()
        if any(_target(container["image"]) == "worker" for container in containers(it))
    }
    assert only_worker == {"worker"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_settings_are_known_and_accepted_in_production(
    overlay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in known_variables():
        monkeypatch.delenv(name, raising=False)
    for workload in workloads(overlay).values():
        for container in containers(workload):
            if _target(container["image"]) not in {"web", "worker"}:
                continue
            given = variables(overlay, container)
            assert set(given) - {"BIND"} <= known_variables()
            with monkeypatch.context() as patched:
                for name, value in given.items():
                    patched.setenv(name, value)
                # mypy does not know the private keyword of BaseSettings that replaces model_config.
                config = Config(_env_file=None)  # type: ignore[call-arg]
            assert config.is_production
            assert production_problems(config) == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_edge_is_given_names_of_the_caddyfile(overlay: str) -> None:
    caddyfile = (ROOT / "deploy" / "Caddyfile").read_text()
    (caddy,) = containers(workloads(overlay)["edge"])
    given = variables(overlay, caddy)
    assert set(given) <= set(re.findall(r"\{\$(\w+)", caddyfile))
    host, port = given["WEB_HOST"], given["WEB_PORT"]
    assert int(port) in [it["port"] for it in named(overlay, "Service", host)["spec"]["ports"]]


def test_ingress_leads_to_the_edge_under_the_public_name() -> None:
    (ingress,) = of_kind("example", "Ingress")
    (rule,) = ingress["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    service = path["backend"]["service"]
    ports = named("example", "Service", service["name"])["spec"]["ports"]
    assert service["port"]["name"] in [it["name"] for it in ports]
    settings = named("example", "ConfigMap", "eugpt-settings")["data"]
    assert settings["EUGPT_ALLOWED_HOSTS"].split(",") == [rule["host"]]
    assert settings["EUGPT_PUBLIC_ORIGIN"] == f"https://{rule['host']}"
    assert ingress["spec"]["tls"][0]["hosts"] == [rule["host"]]
    # One body limit, the outer one's: a smaller one would refuse what the Caddyfile lets in.
    largest = re.search(r"max_size (\d+)MB", (ROOT / "deploy" / "Caddyfile").read_text())
    assert largest
    sizes = {it for name, it in ingress["metadata"]["annotations"].items() if "body-size" in name}
    assert sizes == {f"{largest[1]}m"}


def test_servers_to_try_with_are_as_careful_as_composes() -> None:
    compose = yaml.safe_load((ROOT / "deploy" / "docker-compose.yml").read_text())["services"]
    here = {name: next(containers(workloads("try")[name])) for name in ("postgres", "redis")}
    for name, container in here.items():
        major = re.compile(r"(.+:\d+)").match
        assert major(container["image"])[1] == major(compose[name]["image"])[1]  # type: ignore[index]
    script = [it.replace("$$", "$") for it in compose["redis"]["command"][:3]]
    assert here["redis"]["args"][:3] == script
    assert "$(" not in script[2], "the kubelet would write the password into the command line"
    assert "--appendonly yes --appendfsync everysec --save  " in " ".join(here["redis"]["args"])
    assert "--maxmemory-policy noeviction" in " ".join(here["redis"]["args"])
    quiet = {it for it in compose["postgres"]["command"] if it.startswith("log_")}
    assert quiet
    assert quiet <= set(here["postgres"]["args"])


def test_no_secret_is_in_the_repository() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", KUBERNETES],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert [it for it in tracked if Path(it).suffix == ".env"] == [
        "deploy/kubernetes/base/settings.env"
    ]
    for path in KUBERNETES.rglob("*.yaml"):
        kinds = [it["kind"] for it in yaml.safe_load_all(path.read_text()) if it]
        assert "Secret" not in kinds, path


def test_secrets_are_random_and_never_overwritten(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two", "given")]
    for folder in folders:
        folder.mkdir()
        assert new_secrets(folder, GIVEN if folder.name == "given" else {}).returncode == 0
        assert (folder / "secrets.env").stat().st_mode & 0o077 == 0
    one, two, given = (folder / "secrets.env" for folder in folders)
    assert not set(one.read_text().splitlines()) & set(two.read_text().splitlines())
    assert GIVEN["REDIS_URL"] in given.read_text()
    assert not (folders[2] / "stores.env").exists()
    before = one.read_text()
    assert new_secrets(folders[0], {}).returncode == 1
    assert one.read_text() == before
