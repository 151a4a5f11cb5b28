"""The ASGI stack in front of Django: files, body cap, origins, life of the process, no torch."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator

from eugpt.asgi import application
from eugpt.body_cap import BodyCap
from eugpt.static_site import StaticSite

BIG = 70 * 1024
POLICY = "default-src 'self'; script-src 'self' 'sha256-x='"
LOGIN = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}" data-deployment=""/>login'

Headers = Sequence[tuple[bytes, bytes]]


async def _ask(
    app: Any,
    path: str,
    *,
    body: bytes = b"",
    headers: Headers = (),
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one GET, its own body sent in two parts."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path.partition("?")[0],
        "query_string": path.partition("?")[2].encode(),
        "headers": list(headers),
    }
    communicator: Any = ApplicationCommunicator(  # type: ignore[no-untyped-call]
        app, scope
    )
    half = len(body) // 2
    await communicator.send_input(_part(body[:half], more=True))
    await communicator.send_input(_part(body[half:], more=False))
    start = await communicator.receive_output(5)
    content, more = b"", True
    while more:
        message = await communicator.receive_output(5)
        content += message.get("body", b"")
        more = message.get("more_body", False)
    await communicator.wait(5)
    names = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return start["status"], names, content


def _part(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def _connect(path: str, headers: Headers = ()) -> list[dict[str, Any]]:
    """The first two things the application says to a WebSocket handshake, or the only one."""
    scope = {"type": "websocket", "path": path, "query_string": b"", "headers": list(headers)}
    communicator: Any = ApplicationCommunicator(  # type: ignore[no-untyped-call]
        application, scope
    )
    await communicator.send_input({"type": "websocket.connect"})
    said = [await communicator.receive_output(5)]
    if said[0]["type"] == "websocket.accept":
        said.append(await communicator.receive_output(5))
    communicator.stop(exceptions=False)
    return said


async def _inner(scope: Any, receive: Any, send: Any) -> None:
    """Stands in for Django: reads the body, answers 299 with the number of bytes."""
    received, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        received += len(message["body"])
        more = message["more_body"]
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": str(received).encode()})


@pytest.fixture
def site(tmp_path: Path) -> StaticSite:
    (tmp_path / "login").mkdir()
    chunks = tmp_path / "_next" / "static"
    chunks.mkdir(parents=True)
    (tmp_path / "index.html").write_text("home")
    (tmp_path / "login" / "index.html").write_text(LOGIN)
    (tmp_path / "site.webmanifest").write_text("{}")
    (chunks / "app.js").write_text("code")
    return StaticSite(_inner, export_dir=tmp_path, prefix="/static/")


@pytest.mark.parametrize(
    ("path", "body"),
    [("/", b"home"), ("/login/", LOGIN.encode()), ("/login/?next=1", LOGIN.encode())],
)
async def test_static_site_serves_pages_uncached(site: StaticSite, path: str, body: bytes) -> None:
    status, headers, content = await _ask(site, path)
    assert (status, content) == (200, body)
    assert headers["cache-control"] == "no-cache"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    policy = POLICY if "login" in path else "default-src 'self'"
    assert headers["content-security-policy"] == f"{policy}; frame-ancestors 'none'"


async def test_static_site_knows_a_manifest(site: StaticSite) -> None:
    headers = (await _ask(site, "/site.webmanifest"))[1]
    assert headers["content-type"] == "application/manifest+json"


async def test_static_site_serves_hashed_files_for_ever(site: StaticSite) -> None:
    status, headers, content = await _ask(site, "/_next/static/app.js")
    assert (status, content) == (200, b"code")
    assert "immutable" in headers["cache-control"]
    assert headers["content-type"].startswith("text/javascript")


async def test_static_site_adds_the_slash_and_passes_the_rest_on(site: StaticSite) -> None:
    for path, target in (("/login", "login/"), ("/login?next=%2F", "login/?next=%2F")):
        status, headers, _ = await _ask(site, path)
        assert (status, headers["location"]) == (302, target)
    for path in ("/nowhere", "/api/health", "/../../etc/passwd", "/_next/static/"):
        assert (await _ask(site, path))[0] == 299


async def test_static_site_serves_django_files_without_collectstatic(site: StaticSite) -> None:
    for path in ("admin/css/base.css", "drf_spectacular_sidecar/swagger-ui-dist/swagger-ui.css"):
        status, headers, _ = await _ask(site, f"/static/{path}")
        assert status == 200
        assert headers["content-type"].startswith("text/css")


def _capped() -> BodyCap:
    return BodyCap(_inner, api_bytes=64 * 1024, other_bytes=1024 * 1024)


@pytest.mark.parametrize("announced", [[], [(b"content-length", str(BIG).encode())]])
async def test_body_cap_refuses_large_api_bodies(announced: list[tuple[bytes, bytes]]) -> None:
    status, _, body = await _ask(_capped(), "/api/chat", body=b"x" * BIG, headers=announced)
    assert status == 413
    assert b'"code": "too_large"' in body


async def test_body_cap_lets_the_rest_through() -> None:
    assert (await _ask(_capped(), "/api/chat", body=b"x" * 1000))[2] == b"1000"
    assert (await _ask(_capped(), "/admin/", body=b"x" * BIG))[2] == str(BIG).encode()


async def test_livez_answers_through_the_whole_stack() -> None:
    status, headers, body = await _ask(application, "/livez", headers=[(b"host", b"localhost")])
    assert (status, body) == (200, b'{"status": "ok"}')
    assert headers["x-content-type-options"] == "nosniff"


async def test_a_foreign_host_is_refused() -> None:
    status, _, body = await _ask(application, "/api/x", headers=[(b"host", b"evil.example")])
    assert status == 400
    assert b'"code": "invalid"' in body


@pytest.mark.parametrize("origin", [b"https://evil.example", b"null", b"http://a:99999999"])
async def test_a_foreign_origin_is_closed_with_its_code(origin: bytes) -> None:
    accepted, closed = await _connect("/ws/chat/", [(b"origin", origin)])
    assert accepted["type"] == "websocket.accept"
    assert (closed["type"], closed["code"]) == ("websocket.close", 4403)


@pytest.mark.parametrize("headers", [[], [(b"origin", b"http://localhost:8000")]])
async def test_an_unknown_socket_is_denied(headers: Headers) -> None:
    (closed,) = await _connect("/ws/no", headers)
    assert closed["type"] == "websocket.close"


def test_the_web_process_has_neither_torch_nor_numba() -> None:
    code = "import sys, eugpt.asgi; sys.exit(bool({'torch', 'numba'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=50)
    assert done.returncode == 0
