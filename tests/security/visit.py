"""A whole visit: words and secrets that stand nowhere else, in every place that takes some."""

from __future__ import annotations

import json
import uuid

import httpx
from websockets.asyncio.client import connect

from tests.support.stack import Stack
from tests.support.wire import receive, send

PLANTED = "kanarienvogel"


class Canaries:
    """Texts that stand nowhere else, each named for what it is."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def new(self, about: str) -> str:
        return self.know(about, f"{PLANTED}{uuid.uuid4().hex[:12]}")

    def know(self, about: str, text: str) -> str:
        assert len(text) >= 12
        self.texts[about] = text
        return text

    def sung(self, log: str) -> list[str]:
        return [about for about, text in self.texts.items() if text in log]


async def visit(stack: Stack) -> Canaries:
    """Do all that people do, mistakes included; returns what no log may say."""
    known = Canaries()
    async with httpx.AsyncClient(base_url=stack.base_url, timeout=60) as client:
        await _sign_up(client, known)
        await _chat(client, known)
        await _mistakes(client, known)
        await _sockets(client, stack, known)
        await _admin(client, known)
    return known


async def _sign_up(client: httpx.AsyncClient, known: Canaries) -> None:
    name = f"ana_{uuid.uuid4().hex[:8]}"
    body = {"username": name, "password": known.new("password")}
    answer = await client.post("/api/auth/register", json=body)
    assert answer.status_code == 201, answer.text
    token = known.know("access token", answer.json()["token"])
    known.know("refresh cookie", client.cookies["eugpt_refresh"])
    await client.post("/api/auth/register", json=body)  # the name is taken
    wrong = {**body, "password": known.new("wrong password")}
    assert (await client.post("/api/auth/login", json=wrong)).status_code == 401
    client.headers["Authorization"] = f"Bearer {token}"
    address = f"{known.new('e-mail')}@example.org"
    mail = {"email": address, "password": body["password"]}
    assert (await client.put("/api/auth/email", json=mail)).status_code == 202
    link = {"token": known.new("link")}
    assert (await client.post("/api/auth/email/verify", json=link)).status_code == 400
    made = await client.post("/api/keys", json={"name": known.new("name of a key")})
    assert made.status_code == 201, made.text
    known.know("API key", made.json()["key"])
    bearer = {"Authorization": f"Bearer {known.new('forged token')}"}
    assert (await client.get("/api/auth/me", headers=bearer)).status_code == 401


async def _chat(client: httpx.AsyncClient, known: Canaries) -> None:
    guest = {"message": known.new("guest's text")}
    assert (await client.post("/api/chat/guest", json=guest)).status_code == 200
    answer = await client.post("/api/chat", json={"message": known.new("member's text")})
    assert answer.status_code == 200, answer.text
    reply = answer.headers["x-assistant-message-id"]
    at = f"/api/conversations/{answer.headers['x-conversation-id']}"
    await client.patch(at, json={"title": known.new("title")})
    await client.get("/api/conversations", params={"q": known.new("search")})
    comment = {"rating": "up", "comment": known.new("comment")}
    assert (await client.put(f"/api/messages/{reply}/feedback", json=comment)).status_code < 300
    shared = await client.post(f"{at}/share", json={})
    await client.get(f"/api/shared/{known.know('slug', shared.json()['slug'])}")
    key = {"Authorization": f"Bearer {known.texts['API key']}"}
    turns = [{"role": "user", "content": known.new("text under /v1")}]
    asked = {"model": "eugpt-tiny", "messages": turns}
    assert (await client.post("/v1/chat/completions", json=asked, headers=key)).is_success


async def _mistakes(client: httpx.AsyncClient, known: Canaries) -> None:
    for body, status in (
        (known.new("not JSON").encode(), 400),
        (json.dumps({"message": known.new("NUL") + "\0"}).encode(), 400),
        (json.dumps({known.new("unknown field"): 1}).encode(), 400),
        (json.dumps({"message": known.new("too long") * 6000}).encode(), 413),
        (b'{"message": "\\ud800' + known.new("surrogate").encode() + b'"}', 400),
        (b"\xff" + known.new("not UTF-8").encode(), 400),
    ):
        answer = await client.post(
            "/api/chat/guest", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == status, answer.text
    await client.get(f"/api/generations/{known.new('path')}")
    await client.get("/api/health", headers={"Host": f"{known.new('host')}.example"})


async def _sockets(client: httpx.AsyncClient, stack: Stack, known: Canaries) -> None:
    ticket = (await client.post("/api/auth/ws-ticket")).json()["ticket"]
    async with connect(f"{stack.ws_url}?ticket={known.know('ticket', ticket)}") as ws:
        assert (await receive(ws))["type"] == "ready"
        await ws.send(known.new("malformed message"))
        assert (await receive(ws))["type"] == "error"
        await send(ws, type="prompt", text=known.new("text of a socket"), client_id="1")
        while (await receive(ws))["type"] != "done":
            pass
    async with connect(f"{stack.ws_url}?ticket={known.new('forged ticket')}") as ws:
        await ws.wait_closed()


async def _admin(client: httpx.AsyncClient, known: Canaries) -> None:
    page = await client.get("/admin/login/")
    form = {
        "username": "nobody",
        "password": known.new("staff password"),
        "csrfmiddlewaretoken": page.text.partition('name="csrfmiddlewaretoken" value="')[2][:64],
    }
    assert (await client.post("/admin/login/", data=form)).status_code in (200, 429)
    without = {"password": known.new("without CSRF")}
    assert (await client.post("/admin/login/", data=without)).status_code == 403
