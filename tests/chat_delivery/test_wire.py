"""Every frame that a real stack sends is what /api/schema/events says, and every kind is sent."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import redis
from websockets.asyncio.client import connect

from chat.delivery.streams import control_key
from tests.support.json_schema import EventsSchema
from tests.support.stack import Stack
from tests.support.wire import http, receive, send, sign_up, sse, sse_lines, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

LONG = {"max_tokens": 300, "min_tokens": 300}
SHORT = {"max_tokens": 8, "min_tokens": 8, "seed": 3, "logprobs": 2}


class CheckedSocket:
    """A client that holds everything it sends and is sent against the schema."""

    def __init__(self, ws: Any, events: EventsSchema, kinds: set[str]) -> None:
        self._ws, self._events, self._kinds = ws, events, kinds

    async def recv(self) -> str:
        text: str = await self._ws.recv()
        message = json.loads(text)
        assert self._events.errors("ServerMessage", message) == [], message
        self._kinds.add(message["type"])
        return text

    async def send(self, text: str) -> None:
        await self._ws.send(text)


@pytest.fixture
def events(stack: Stack) -> EventsSchema:
    return EventsSchema(httpx.get(f"{stack.base_url}/api/schema/events", timeout=30).json())


@asynccontextmanager
async def checked(
    stack: Stack, events: EventsSchema, kinds: set[str], token: str = ""
) -> AsyncIterator[Any]:
    url = stack.ws_url
    if token:
        async with http(stack, token) as client:
            ticket = (await client.post("/api/auth/ws-ticket")).json()["ticket"]
        url += f"?ticket={ticket}"
    async with connect(url) as ws:
        yield CheckedSocket(ws, events, kinds)


async def ask(events: EventsSchema, ws: Any, **message: Any) -> None:
    """Send what the schema allows."""
    assert events.errors("ClientMessage", message) == [], message
    await send(ws, **message)


async def until_error(ws: Any, code: str) -> dict[str, Any]:
    while (message := await receive(ws))["type"] != "error":
        pass
    assert message["code"] == code
    return message


async def test_every_message_of_a_socket_is_described(stack: Stack, events: EventsSchema) -> None:
    kinds: set[str] = set()
    token = await sign_up(stack)
    async with checked(stack, events, kinds, token) as ws:
        assert (await receive(ws))["user"] is not None
        await _talk(events, ws)
        await _go_wrong(events, ws)
        await _wait_and_stop(stack, events, ws)
    async with checked(stack, events, kinds) as ws:
        assert (await receive(ws))["user"] is None
        history = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
        await ask(events, ws, type="prompt", text="hello", client_id="g", history=history)
        await until(ws, "done")
    assert kinds == {message["type"] for message in events.examples("ServerMessage")}


async def _talk(events: EventsSchema, ws: Any) -> None:
    """Prompt, resume, and all that makes branches."""
    await ask(events, ws, type="ping")
    await until(ws, "pong")
    await ask(events, ws, type="prompt", text="hello", client_id="1", params=SHORT)
    messages = await until(ws, "done")
    accepted = next(m for m in messages if m["type"] == "accepted")
    first = next(m for m in messages if m["type"] == "token")
    assert first["logprobs"][0]["text"]
    assert len(first["logprobs"][0]["top"]) == 2
    assert next(m for m in messages if m["type"] == "started")["seed"] == 3
    await ask(events, ws, type="resume", generation=first["generation"], after=first["id"])
    await until(ws, "done")
    asked, reply = accepted["user_message"], accepted["assistant_message"]
    token = first["logprobs"][0]["id"]
    for message in (
        {"type": "branch", "message": reply, "at": 0, "token": token, "client_id": "b"},
        {"type": "continue", "message": reply, "client_id": "2"},
        {"type": "regenerate", "message": reply, "client_id": "3", "params": {"max_tokens": 5}},
        {"type": "edit", "message": asked, "client_id": "4", "text": "a", "params": SHORT},
    ):
        await ask(events, ws, **message)
        await until(ws, "done")


async def _go_wrong(events: EventsSchema, ws: Any) -> None:
    await ws.send("nonsense")
    await until_error(ws, "invalid")
    await send(ws, type="prompt", text="hi", client_id="5", params={"top_k": -1})
    await until_error(ws, "bad_params")
    await ask(events, ws, type="prompt", text="a b c " * 600, client_id="6")
    await until_error(ws, "prompt_too_long")
    await ask(events, ws, type="edit", text="hi", message=2**62, client_id="7")
    await until_error(ws, "not_found")
    await ask(events, ws, type="cancel", generation="no-such")
    await until_error(ws, "not_found")


async def _wait_and_stop(stack: Stack, events: EventsSchema, ws: Any) -> None:
    """A running reply is stopped, and one that waits, for want of a worker."""
    await ask(events, ws, type="prompt", text="hello", client_id="8", params=LONG)
    generation = (await until(ws, "token"))[-1]["generation"]
    await ask(events, ws, type="cancel", generation=generation)
    await until(ws, "done")
    stack.kill_worker()
    await ask(events, ws, type="prompt", text="hello", client_id="9", params=LONG)
    messages = await until(ws, "queued")
    accepted = next(m for m in messages if m["type"] == "accepted")
    body = {"text": "more", "client_id": "10", "conversation": accepted["conversation"]}
    await ask(events, ws, type="prompt", **body)
    assert (await until_error(ws, "generation_running"))["generation"] == accepted["generation"]
    await ask(events, ws, type="cancel", generation=accepted["generation"])
    assert (await until(ws, "done"))[-1]["finish_reason"] == "cancelled"
    stack.ensure_running()


async def test_every_event_of_a_stream_is_described(stack: Stack, events: EventsSchema) -> None:
    seen: list[tuple[str, str, dict[str, Any]]] = []
    async with http(stack, await sign_up(stack)) as client:
        body = {"message": "hello", "params": SHORT}
        seen += await sse(client, "POST", "/api/chat", json=body)
    async with http(stack) as client:
        turns = [{"role": role, "content": "a b c " * 40} for role in ("user", "assistant")]
        guest: dict[str, Any] = {"message": "hello", "history": turns * 4, "params": SHORT}
        seen += await sse(client, "POST", "/api/chat/guest", json=guest)
        seen += await _lost(stack, client)
    for event, entry_id, data in seen:
        frame = {"event": event, "id": entry_id, "data": data}
        assert events.errors("SseEvent", frame) == [], frame
    kinds = {event for event, _, _ in seen}
    assert kinds == {example["event"] for example in events.examples("SseEvent")}


async def _lost(stack: Stack, client: httpx.AsyncClient) -> list[tuple[str, str, dict[str, Any]]]:
    """The events of a guest's prompt that Redis loses before a worker comes."""
    stack.kill_worker()
    seen = []
    async with client.stream("POST", "/api/chat/guest", json={"message": "hello"}) as response:
        async for event in sse_lines(response):
            seen.append(event)
            if len(seen) == 1:
                with redis.Redis.from_url(stack.env["REDIS_URL"]) as valkey:
                    valkey.hdel(control_key(response.headers["X-Generation-Id"]), "input")
                stack.ensure_running()
    assert seen[-1][0] == "error"
    assert seen[-1][2]["code"] == "input_expired"
    return seen
