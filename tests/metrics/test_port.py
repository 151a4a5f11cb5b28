"""The private port of each process: what it answers, and that nobody else does."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client import REGISTRY

from chat.delivery.endings import ERROR_DETAILS
from chat.wire.shapes import CODES
from deploy.local import procfile, supervisor
from deploy.local.paths import ROOT, VarDir
from eugpt.metrics import pulse
from eugpt.metrics.pulse import Pulse
from eugpt.metrics.server import MetricsServer
from tests.support.stack import Stack

ROLES = list(procfile.read_table())


def answer(url: str) -> httpx.Response:
    return httpx.get(url, timeout=10, trust_env=False)


def wait_for(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.1)


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_each_process_answers_and_the_public_port_does_not(stack: Stack) -> None:
    for role in ROLES:
        url = stack.private_url(role)
        wait_for(lambda url=url: answer(f"{url}/readyz").status_code == 200)  # type: ignore[misc]
        assert answer(f"{url}/livez").json() == {"status": "ok", "wrong": {}}
        assert "process_resident_memory_bytes" in answer(f"{url}/metrics").text
        assert answer(f"{url}/api/health").status_code == 404
    for path in ("/metrics", "/metrics/", "/readyz"):
        public = answer(stack.base_url + path)
        assert public.status_code == 404
        assert "process_resident" not in public.text


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_errors_are_shown_before_the_first(stack: Stack) -> None:
    """`rate()` sees no rise in a counter that begins with 1."""
    api = {*CODES, "invalid_credentials", "wrong_password", "email_off"}  # accounts have theirs
    told = {("generation", code) for code in (*ERROR_DETAILS, "internal")}
    for role, expected in {
        "web": told | {("api", code) for code in api},
        "worker": told,
        "jobs": told,
    }.items():
        url = stack.private_url(role)
        wait_for(lambda url=url: answer(f"{url}/readyz").status_code == 200)  # type: ignore[misc]
        text = answer(f"{url}/metrics").text
        shown = re.findall(r'eugpt_errors_total\{code="(\w+)",source="(\w+)"\}', text)
        assert {(source, code) for code, source in shown} >= expected, role


def test_processes_of_one_machine_take_ports_in_a_row(tmp_path: Path) -> None:
    var = VarDir(tmp_path)
    var.create()
    env = {"EUGPT_METRICS_PORT": "9464"}
    text = supervisor.write_config(var, procfile.commands(env), env).read_text()
    given = re.findall(r"^environment=EUGPT_METRICS_PORT=\"(\d+)\"$", text, re.M)
    assert given == ["9464", "9465", "9466", "9467"]
    assert {own["EUGPT_METRICS_PORT"] for own in procfile.own_env({}).values()} == {"0"}


def test_caddy_passes_nothing_private_on() -> None:
    text = (ROOT / "deploy" / "Caddyfile").read_text()
    routed = re.search(r"@app path (.*)", text)
    assert routed
    assert "/metrics" not in routed[1]
    assert "9464" not in text


@pytest.fixture
def wrong() -> dict[str, str]:
    return {}


@pytest.fixture
def url(wrong: dict[str, str]) -> Iterator[str]:
    server = MetricsServer(
        ("127.0.0.1", 0), is_alive=lambda: wrong, is_ready=lambda: wrong, registry=REGISTRY
    )
    server.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_probe_says_what_is_wrong(url: str, wrong: dict[str, str]) -> None:
    assert answer(f"{url}/livez").status_code == 200
    wrong["engine"] = "its thread has ended"
    refused = answer(f"{url}/livez")
    assert refused.status_code == 503
    assert refused.json() == {"status": "error", "wrong": {"engine": "its thread has ended"}}


def test_pulse_misses_signs_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Pulse(("loop",))
    assert (one.silent(), list(one.missing())) == ({}, ["loop"])
    one.beat("loop")
    one.beat("tasks")  # of another role
    assert (one.silent(), one.missing()) == ({}, {})
    monkeypatch.setattr(pulse, "SILENCE_S", 0.0)
    time.sleep(0.01)
    assert list(one.silent()) == ["loop"]
