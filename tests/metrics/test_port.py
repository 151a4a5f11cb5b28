"""The private port of each process: what it answers, and that nobody else does."""

import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from prometheus_client import REGISTRY

from deploy.local import procfile
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
