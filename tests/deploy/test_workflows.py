"""The workflows follow GitHub's schema, may do little, end in time and call what exists."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.paths import ROOT
from tests.deploy.test_compose import services

BIN = Path(sys.executable).parent
FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
NAMES = [it.name for it in FILES]
# Whose code may run beside our secrets: GitHub's own and Docker's. Their major tags are taken,
# which bring corrections; dependabot brings the next major. A commit's hash would be a firmer pin,
# but one that nobody has compared with the repository it is of would only look so.
TRUSTED = ("actions/", "docker/")
WRITES = {"release.yml": {"packages", "id-token", "attestations"}}

Workflow = dict[str, Any]


def _read(name: str) -> Workflow:
    workflow: Workflow = yaml.safe_load((FOLDER / name).read_text())
    # YAML 1.1 reads the key `on` as true.
    workflow["on"] = workflow.pop(True)  # type: ignore[call-overload]
    return workflow


def _steps(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for job, content in _read(name)["jobs"].items():
        for step in content.get("steps", ()):
            yield job, step


def _check(schema: str, *files: Path) -> None:
    command: list[str | Path] = [BIN / "check-jsonschema", "--builtin-schema", schema, *files]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_workflows_follow_the_schema() -> None:
    assert {"test.yml", "build.yml", "release.yml", "deploy.yml", "frontend.yml"} == set(NAMES)
    _check("vendor.github-workflows", *FILES)
    _check("custom.github-workflows-require-timeout", *FILES)


def test_dependabot_follows_the_schema_and_knows_all_folders() -> None:
    path = ROOT / ".github" / "dependabot.yml"
    _check("vendor.dependabot", path)
    kinds = set()
    for update in yaml.safe_load(path.read_text())["updates"]:
        kinds.add(update["package-ecosystem"])
        for folder in update.get("directories") or [update["directory"]]:
            assert (ROOT / folder.strip("/")).is_dir()
    assert kinds == {"pip", "npm", "docker", "docker-compose", "github-actions"}


@pytest.mark.parametrize("name", NAMES)
def test_workflow_may_do_little(name: str) -> None:
    workflow = _read(name)
    assert workflow["permissions"] in ({}, {"contents": "read"})
    written = {
        scope
        for job in workflow["jobs"].values()
        for scope, access in job.get("permissions", {}).items()
        if access == "write"
    }
    assert written == WRITES.get(name, set())
    assert workflow["concurrency"]["group"]
    # A pull request's own code must never run with our secrets.
    assert "pull_request_target" not in workflow["on"]
    assert "workflow_run" not in workflow["on"]


@pytest.mark.parametrize("name", NAMES)
def test_actions_are_pinned_and_of_few(name: str) -> None:
    for _, step in _steps(name):
        if "uses" in step:
            assert re.fullmatch(r"[\w./-]+@(v\d+|[0-9a-f]{40})", step["uses"])
            assert step["uses"].startswith(TRUSTED)
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
    for job in _read(name)["jobs"].values():
        if "uses" in job:
            assert (ROOT / job["uses"]).is_file()
        else:
            # Not `latest`: the machine changes when we say so.
            assert re.fullmatch(r"ubuntu-\d\d\.\d\d", job["runs-on"])


@pytest.mark.parametrize("name", NAMES)
def test_secrets_and_inputs_reach_scripts_as_variables_only(name: str) -> None:
    """Text that ${{ }} puts into a script is code there; secrets are for the one step."""
    workflow = _read(name)
    assert "secrets." not in json.dumps(workflow.get("env", {}))
    for job in workflow["jobs"].values():
        assert "secrets." not in json.dumps(job.get("env", {}))
    for _, step in _steps(name):
        assert "${{" not in step.get("run", "")


@pytest.mark.parametrize("name", NAMES)
def test_scripts_of_steps_are_clean(name: str, tmp_path: Path) -> None:
    for number, (_, step) in enumerate(_steps(name)):
        if "run" not in step:
            continue
        script = tmp_path / f"{number}.sh"
        # As GitHub runs them.
        script.write_text(f"#!/usr/bin/env bash\nset -eo pipefail\n{step['run']}\n")
        # SC2086: $COMPOSE and $VERCEL are several words on purpose. SC2016: as are $NAMES for sed.
        command: list[str | Path] = [BIN / "shellcheck", "--exclude", "SC2086,SC2016", script]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, f"{step.get('name')}: {result.stdout}"


def test_called_files_exist() -> None:
    """Paths of ours in steps, and in the inputs of actions."""
    for name in NAMES:
        for _, step in _steps(name):
            said = step.get("run", "") + " ".join(map(str, step.get("with", {}).values()))
            for path in re.findall(r"(?:\.\./)?((?:deploy|\.ci)/[\w./-]+\w)", said):
                assert (ROOT / path).is_file(), f"{name}: {path}"


def test_ci_runs_what_developers_run() -> None:
    steps = {step.get("run") for _, step in _steps("test.yml")}
    assert ".ci/run" in steps
    (python,) = [it for _, it in _steps("test.yml") if "setup-python" in it.get("uses", "")]
    assert python["with"]["python-version"] == "3.11"


def test_every_image_is_built_and_released() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    for name in ("build.yml", "release.yml"):
        targets = _read(name)["jobs"]["image"]["strategy"]["matrix"]["target"]
        assert set(targets) == {
            it["build"]["target"] for it in services().values() if "build" in it
        }
        for target in targets:
            assert re.search(rf"^FROM .* AS {target}$", dockerfile, re.MULTILINE)
    (build,) = [it for _, it in _steps("release.yml") if "build-push" in it.get("uses", "")]
    assert build["with"]["push"] is True
    assert build["with"]["sbom"] is True
    assert build["with"]["provenance"] == "mode=max"


def test_deployment_believes_one_host_and_waits_for_a_person() -> None:
    deploy = _read("deploy.yml")
    assert deploy["jobs"]["deploy"]["environment"] == "production"
    assert deploy["concurrency"] == {"group": "production", "cancel-in-progress": False}
    script = "\n".join(step.get("run", "") for _, step in _steps("deploy.yml"))
    assert "StrictHostKeyChecking=yes" in script
    assert "ssh-keyscan" not in script


@pytest.mark.parametrize(
    "tag", ["v1.2", "v1.2.3; reboot", "$(reboot)", "v1.2.3\nv1.2.4", "latest", "'v1.2.3'"]
)
def test_deployment_refuses_what_is_no_version(tag: str) -> None:
    (check,) = [it["run"] for _, it in _steps("deploy.yml") if "asked for" in it.get("name", "")]
    env = {"HOST": "chat.example.org", "LOGIN": "deploy", "FOLDER": "/opt/eugpt"}
    for value, code in (("v1.2.3", 0), (tag, 1)):
        command = ["bash", "-eo", "pipefail", "-c", check]
        result = subprocess.run(command, env=env | {"TAG": value}, capture_output=True, check=False)
        assert result.returncode == code
