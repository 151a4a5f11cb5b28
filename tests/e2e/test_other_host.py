"""The same export on another host than the API: CORS, cookies, sockets and policy fit together."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect

from deploy.local import processes
from deploy.local.node import find_npm
from deploy.local.paths import FRONTEND
from tests.support.journeys import NewVisitor
from tests.support.stack import Stack
from tests.support.static_host import static_host

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.journey,
    pytest.mark.timeout(240),
]


def place(folder: Path, *, api: str, site: str) -> None:
    """What deploy/README.md says to do with a finished export."""
    npm = find_npm()
    env = npm.env | {"NEXT_PUBLIC_API_ORIGIN": api, "NEXT_PUBLIC_SITE_ORIGIN": site}
    command = [*npm.command, "run", "--silent", "place", "--", str(folder)]
    subprocess.run(command, cwd=FRONTEND, env=env, check=True, capture_output=True)


def test_export_works_on_another_host(
    visitor: NewVisitor, stack: Stack, built_front_end: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(FRONTEND / "out", out)
    port = processes.free_port()
    site = f"http://127.0.0.1:{port}"
    with stack.more_web({"EUGPT_CORS_ORIGINS": site}) as api, static_host(out, port):
        place(out, api=api, site=site)
        window = visitor()
        name = window.sign_up(site)
        window.expect_finished(window.ask("hello from another host"))
        expect(window.page.get_by_test_id("message-user").first).to_contain_text("another host")
        window.page.reload()
        window.expect_signed_in(name)
        expect(window.page.get_by_test_id("message-user").first).to_contain_text("another host")
        sockets: list[str] = []
        window.page.on("websocket", lambda socket: sockets.append(socket.url))
        window.page.reload()
        window.expect_signed_in(name)
        expect(window.page.get_by_test_id("message-assistant").first).to_be_visible()
        assert [url.partition("?")[0] for url in sockets] == [
            f"{api.replace('http', 'ws')}/ws/chat/"
        ]
        response = window.page.goto(f"{site}/nowhere")
        assert response is not None
        assert response.status == 404
        window.expects("status of 404")


def test_hashed_scripts_are_the_same_wherever_the_export_is_placed(
    built_front_end: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(FRONTEND / "out", out)
    place(out, api="https://api.example.org", site="https://chat.example.org")
    for file in (FRONTEND / "out" / "_next").rglob("*.js"):
        assert (out / os.path.relpath(file, FRONTEND / "out")).read_bytes() == file.read_bytes()
    page = (out / "login" / "index.html").read_text(encoding="utf-8")
    assert "connect-src 'self' https://api.example.org wss://api.example.org;" in page
    assert 'property="og:url" content="https://chat.example.org/login/"' in page
