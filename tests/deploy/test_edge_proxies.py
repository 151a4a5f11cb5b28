"""Behind a proxy of ours Caddy passes on what it says of the client; of a stranger, nothing."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from deploy.local.paths import ROOT

CADDY = Path(sys.executable).with_name("caddy")
SAID = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Real-IP": "203.0.113.7"}


class Echo(BaseHTTPRequestHandler):
    """Stands in for web: answers with the headers that reach it."""

    def do_GET(self) -> None:
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def upstream() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _headers_at_web(tmp_path: Path, upstream: str, trusted: str) -> dict[str, str]:
    """What web sees of a request that comes from 127.0.0.1 and brings SAID."""
    port = _free_port()
    caddyfile = tmp_path / "Caddyfile"
    text = (ROOT / "deploy" / "Caddyfile").read_text()
    # The health check's port is fixed: this machine may run another one.
    caddyfile.write_text(text.replace(":2020", f":{_free_port()}"))
    env = {
        "PATH": os.defpath, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path),
        "SITE_ADDRESS": f"http://:{port}", "TRUSTED_PROXIES": trusted, "SITE_ROOT": str(tmp_path),
        "WEB_HOST": upstream.split(":")[0], "WEB_PORT": upstream.split(":")[1],
    }  # fmt: skip
    command: list[str | Path] = [CADDY, "run", "--config", caddyfile, "--adapter", "caddyfile"]
    with (tmp_path / "log").open("wb") as log:
        caddy = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}/api/x", headers=SAID, trust_env=False)
                return dict(answer.raise_for_status().json())
            except httpx.TransportError:
                assert caddy.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < deadline, (tmp_path / "log").read_text()
                time.sleep(0.1)
    finally:
        caddy.terminate()
        caddy.wait(20)


def test_strangers_are_not_believed(tmp_path: Path, upstream: str) -> None:
    seen = _headers_at_web(tmp_path, upstream, trusted="")
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"
    assert "x-real-ip" not in seen


def test_trusted_proxy_is_one_more_hop(tmp_path: Path, upstream: str) -> None:
    """EUGPT_PROXY_HOPS=2 then finds the client: second from the right, and the proxy's https."""
    seen = _headers_at_web(tmp_path, upstream, trusted="private_ranges")
    assert seen["x-forwarded-for"] == "203.0.113.9, 127.0.0.1"
    assert seen["x-forwarded-proto"] == "https"
    assert "x-real-ip" not in seen
