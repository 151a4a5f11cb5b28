"""Clients of a running stack: HTTP, server-sent events and sockets, as tests speak them."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

PASSWORD = "correct horse battery"
Events = list[tuple[str, str, dict[str, Any]]]


class Served(Protocol):
    """A stack, or one web process of it."""

    base_url: str
    ws_url: str


async def sse(client: httpx.AsyncClient, method: str, path: str, **options: Any) -> Events:
    """All events of a stream as (event, id, data)."""
    async with client.stream(method, path, **options) as response:
        assert response.status_code == 200, await response.aread()
        return [event async for event in sse_lines(response)]


async def sse_lines(response: httpx.Response) -> AsyncIterator[tuple[str, str, dict[str, Any]]]:
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield fields["event"], fields["id"], json.loads(fields["data"])
            fields = {}


@asynccontextmanager
async def http(stack: Served, token: str = "") -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(base_url=stack.base_url, headers=headers, timeout=60) as client:
        yield client


async def sign_up(stack: Served) -> str:
    async with http(stack) as client:
        name = f"user_{uuid.uuid4().hex[:10]}"
        body = {"username": name, "password": PASSWORD}
        response = await client.post("/api/auth/register", json=body)
        assert response.status_code == 201, response.text
        return str(response.json()["token"])


@asynccontextmanager
async def socket(stack: Served, token: str = "") -> AsyncIterator[ClientConnection]:
    url = stack.ws_url
    if token:
        async with http(stack, token) as client:
            ticket = (await client.post("/api/auth/ws-ticket")).json()["ticket"]
        url += f"?ticket={ticket}"
    async with connect(url) as ws:
        ready = await receive(ws)
        assert ready["type"] == "ready"
        assert (ready["user"] is not None) == bool(token)
        yield ws


async def receive(ws: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(await asyncio.wait_for(ws.recv(), 60))
    return message


async def send(ws: ClientConnection, **message: Any) -> None:
    await ws.send(json.dumps(message))


async def until(ws: ClientConnection, *types: str) -> list[dict[str, Any]]:
    """Messages up to and including the first of one of these types."""
    messages: list[dict[str, Any]] = []
    while not messages or messages[-1]["type"] not in types:
        try:
            messages.append(await receive(ws))
        except TimeoutError:
            pytest.fail(f"no {types} after {messages[-3:]}")
        assert messages[-1]["type"] != "error", messages[-1]
    return messages


def tokens(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [m for m in messages if m["type"] == "token"]
