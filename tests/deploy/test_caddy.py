"""A real Caddy with deploy/Caddyfile in front of the real stack: what the outside gets to see."""

import asyncio
import json
import os
import re
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import websockets

from deploy.local.paths import ROOT
from deploy.local.processes import free_port
from tests.support.stack import Stack

CADDYFILE = ROOT / "deploy" / "Caddyfile"
CADDY = str(Path(sys.executable).with_name("caddy"))
START_S = 60
SECURITY_HEADERS = (
    "Content-Security-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy",
    "Permissions-Policy", "Referrer-Policy", "Strict-Transport-Security",
    "X-Content-Type-Options", "X-Frame-Options",
)  # fmt: skip


@dataclass(frozen=True)
class Edge:
    """A running Caddy and what it passes on."""

    url: str
    ws_url: str
    port: int

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, trust_env=False, timeout=60)


@contextmanager
def caddy(folder: Path, web_port: int) -> Iterator[Edge]:
    """Caddy on a free loopback port; only addresses differ from the Caddyfile of the image."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    file = folder / "Caddyfile"
    file.write_text(CADDYFILE.read_text().replace(":2020", f":{free_port()}"))
    env = {
        "PATH": os.defpath, "HOME": str(folder), "SITE_ADDRESS": f"http://127.0.0.1:{port}",
        "SITE_ROOT": str(folder), "WEB_HOST": "127.0.0.1", "WEB_PORT": str(web_port),
    }  # fmt: skip
    command = [CADDY, "run", "--config", str(file), "--adapter", "caddyfile"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        _wait_until_it_listens(f"http://127.0.0.1:{port}", process, folder / "log")
        yield Edge(f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/ws/chat/", port)
    finally:
        process.terminate()
        process.wait(START_S)


def _wait_until_it_listens(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            httpx.get(f"{url}/no-such-page", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(log.read_text())


def _site(folder: Path) -> None:
    """A front end of two pages and one script, as the build leaves them."""
    (folder / "_next" / "static").mkdir(parents=True)
    (folder / "index.html").write_text("<h1>EuGPT</h1>")
    (folder / "404.html").write_text("<h1>No such page</h1>")
    (folder / "_next" / "static" / "main-1234.js").write_text("1;" * 1000)


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory, _session_stack: Stack) -> Iterator[Edge]:
    folder = tmp_path_factory.mktemp("caddy")
    _site(folder)
    _session_stack.ensure_running()
    with caddy(folder, int(_session_stack.env["PORT"])) as running:
        yield running


def test_caddyfile_is_valid_and_formatted() -> None:
    for command in (
        ["validate", "--config", str(CADDYFILE), "--adapter", "caddyfile"],
        ["fmt", "--diff", str(CADDYFILE)],
    ):
        done = subprocess.run([CADDY, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_public_name_gets_https_by_itself() -> None:
    env = {"PATH": os.defpath, "HOME": "/tmp", "SITE_ADDRESS": "chat.example.org"}
    command = [CADDY, "adapt", "--config", str(CADDYFILE), "--adapter", "caddyfile"]
    adapted = json.loads(
        subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    )
    servers = adapted["apps"]["http"]["servers"]
    listening = sorted(address for it in servers.values() for address in it["listen"])
    assert listening == ["127.0.0.1:2020", ":443"]
    assert adapted["admin"]["disabled"] is True


def test_stream_arrives_word_by_word(edge: Edge, stack: Stack) -> None:
    """The first token is here while the reply is still being written."""
    with stack.slow_worker(run_s=0.002, rest_s=0.098), edge.client() as client:
        body = {"message": "Hello", "history": [], "params": {"max_tokens": 32}}
        with client.stream("POST", "/api/chat/guest", json=body) as reply:
            assert reply.headers["Content-Type"].startswith("text/event-stream")
            assert "Content-Encoding" not in reply.headers
            names, pieces = [], 0
            for chunk in reply.iter_text():
                pieces += 1
                names += [line[7:] for line in chunk.splitlines() if line.startswith("event: ")]
    assert names[-1] == "done"
    assert "token" in names
    assert pieces > 3, "everything came at once: Caddy has buffered it"


def test_socket_is_upgraded_and_streams(edge: Edge, stack: Stack) -> None:
    async def talk() -> list[str]:
        async with websockets.connect(edge.ws_url, origin=edge.url) as socket:  # type: ignore[arg-type]
            await socket.send(
                json.dumps(
                    {"type": "prompt", "text": "Hello", "client_id": "caddy-1", "history": []}
                )
            )
            seen: list[str] = []
            while not seen or seen[-1] not in ("done", "error"):
                seen.append(json.loads(await asyncio.wait_for(socket.recv(), 60))["type"])
            return seen

    seen = asyncio.run(talk())
    assert seen[0] == "ready"
    assert "token" in seen
    assert seen[-1] == "done"


def test_bodies_end_at_the_cap(edge: Edge, stack: Stack) -> None:
    too_large = b"x" * (9_000_000 + 1)
    with edge.client() as client:
        announced = client.post("/api/conversations/import", content=too_large)
        assert announced.status_code == 413
        assert announced.json()["code"] == "too_large"
        # EuGPT's own cap of ordinary routes comes through as it says it.
        own = client.post("/api/chat/guest", content=b"x" * 100_000)
        assert own.status_code == 413
        assert own.json()["code"] == "too_large"


def test_refused_bodies_are_told_so_and_keep_nobody_else_waiting(edge: Edge, stack: Stack) -> None:
    """A web process that refuses a body is no dead one, and its client no lost one."""
    with edge.client() as client:
        for _ in range(8):
            refused = client.post("/api/chat/guest", content=b"x" * 6_000_000)
            assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
            assert client.get("/livez").status_code == 200


@pytest.mark.parametrize("size", [300_000, 6_000_000])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_no_part_of_a_body_is_taken_for_a_request(
    tmp_path: Path, size: int, is_chunked: bool
) -> None:
    """Whoever stands behind Caddy may answer early and hang up: what is left is not read on."""
    _site(tmp_path / "site")
    with hangs_up() as port, caddy(tmp_path / "site", port) as edge:
        for _ in range(6):
            answers = _post(edge.port, _full_of_requests(size), is_chunked)
            assert len(answers) == 1, answers
            assert answers[0] in (b"413", b"503")


@contextmanager
def hangs_up() -> Iterator[int]:
    """The port of a server that refuses each request at the end of its head."""

    class Refusing(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            self.wfile.write(b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def _full_of_requests(size: int) -> bytes:
    request = b"GET /?smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    return (request * (size // len(request) + 1))[:size]


def _post(port: int, body: bytes, is_chunked: bool) -> list[bytes]:
    """The status of each answer on the one connection that this body was sent on."""
    length = f"Content-Length: {len(body)}"
    if is_chunked:
        step = 100_000
        parts = [body[at : at + step] for at in range(0, len(body), step)]
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in [*parts, b""])
        length = "Transfer-Encoding: chunked"
    head = f"POST /api/chat/guest HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:

        def write() -> None:
            with suppress(OSError):
                client.sendall(head + body)

        writer = threading.Thread(target=write)
        writer.start()
        answers = b""
        with suppress(OSError):
            while part := client.recv(65536):
                answers += part
        writer.join()
    return re.findall(rb"^HTTP/1.1 (\d+)", answers, re.MULTILINE)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/no-such-page", 404), ("/api/health", 200), ("/api/no-such", 404)],
)
def test_security_headers_are_there_once(edge: Edge, stack: Stack, path: str, status: int) -> None:
    with edge.client() as client:
        answer = client.get(path)
    assert answer.status_code == status
    assert {name: len(answer.headers.get_list(name)) for name in SECURITY_HEADERS} == dict.fromkeys(
        SECURITY_HEADERS, 1
    )
    assert "Server" not in answer.headers


def test_pages_and_scripts_are_cached_as_they_should(edge: Edge, stack: Stack) -> None:
    with edge.client() as client:
        assert client.get("/").headers["Cache-Control"] == "no-cache"
        script = client.get("/_next/static/main-1234.js")
        assert script.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert script.headers["Content-Encoding"] in ("zstd", "gzip")
        missing = client.get("/no-such-page")
        assert "No such page" in missing.text
        assert missing.headers["Cache-Control"] == "no-cache"
        gone = client.get("/_next/static/gone.js")
        assert gone.status_code == 404
        assert "immutable" not in gone.headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/readyz", "/deploy/Caddyfile", "/.env"])
def test_private_paths_are_not_there(edge: Edge, stack: Stack, path: str) -> None:
    with edge.client() as client:
        answer = client.get(path)
    assert answer.status_code == 404
    assert "eugpt_" not in answer.text


def test_web_that_is_down_is_a_clear_503(tmp_path: Path) -> None:
    _site(tmp_path / "site")
    with caddy(tmp_path / "site", free_port()) as edge, edge.client() as client:
        answer = client.get("/api/health")
        assert answer.status_code == 503
        assert answer.json()["code"] == "unavailable"
        assert answer.headers["Retry-After"] == "5"
        assert client.get("/").status_code == 200, "the page itself needs no web process"


def test_web_that_restarts_is_waited_for(edge: Edge, stack: Stack) -> None:
    """A request that comes while the only web process is away is answered by the next one."""
    stack.kill("web")
    stack.start("web")
    with edge.client() as client:
        statuses = []
        deadline = time.monotonic() + START_S
        while 200 not in statuses and time.monotonic() < deadline:
            statuses.append(client.get("/livez").status_code)
    assert statuses[-1] == 200
    # Each try waits 8 s: on a fast machine the first one is answered.
    assert len(statuses) <= START_S / 8 + 1
