"""A guest signs up while a reply is written: nothing is lost, nothing comes twice."""

import asyncio
import uuid
from typing import Any

import pytest

from tests.support.stack import Stack
from tests.support.wire import http, send, sign_up, socket, tokens, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PARAMS = {"max_tokens": 200, "min_tokens": 200, "seed": 11}
HISTORY = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
TURNS = [*HISTORY, {"role": "user", "content": "tell me"}]


async def _ask(ws: Any) -> None:
    wish = {"client_id": uuid.uuid4().hex, "history": HISTORY, "params": PARAMS}
    await send(ws, type="prompt", text="tell me", **wish)


async def _keep(stack: Stack, token: str, generation: str) -> int:
    async with http(stack, token) as client:
        body = {"turns": TURNS, "generation": generation}
        response = await client.post("/api/conversations/keep", json=body)
        assert response.status_code == 201, response.text
        return int(response.json()["id"])


async def _stored(stack: Stack, token: str, conversation: int) -> dict[str, Any]:
    async with http(stack, token) as client:
        detail = (await client.get(f"/api/conversations/{conversation}")).json()
    assert [m["content"] for m in detail["messages"][:-1]] == [t["content"] for t in TURNS]
    return dict(detail["messages"][-1])


def _check_whole(messages: list[dict[str, Any]]) -> str:
    parts = tokens(messages)
    assert [part["seq"] for part in parts] == list(range(len(parts)))
    text = "".join(part["text"] for part in parts)
    assert messages[-1]["text"] == text
    return text


async def test_sign_up_in_the_middle_of_a_reply(stack: Stack) -> None:
    async with socket(stack) as guest:
        with stack.slow_worker():
            await _ask(guest)
            messages = await until(guest, "token")
            generation = messages[0]["generation"]
            token = await sign_up(stack)
            conversation = await _keep(stack, token, generation)
            async with socket(stack, token) as member:
                await send(member, type="resume", generation=generation, after=messages[-1]["id"])
                rest = await until(member, "token")
                assert (await _stored(stack, token, conversation))["generation"]["status"] in {
                    "queued",
                    "running",
                }, "the reply had ended before its chat was kept"
                rest += [m for m in await until(member, "done") if m["type"] != "conversation"]
        messages_of_guest = messages + await until(guest, "done")
    text = _check_whole(messages + rest)
    assert _check_whole(messages_of_guest) == text
    reply = await _stored(stack, token, conversation)
    assert reply["content"] == text
    assert reply["generation"]["status"] == "completed"
    assert reply["generation"]["id"] == generation


async def test_a_kept_reply_survives_the_death_of_its_worker(stack: Stack) -> None:
    async with socket(stack) as guest:
        await _ask(guest)
        uninterrupted = _check_whole(await until(guest, "done"))
        await _ask(guest)
        with stack.slow_worker():
            messages = await until(guest, "token")
            token = await sign_up(stack)
            conversation = await _keep(stack, token, messages[0]["generation"])
            await asyncio.to_thread(stack.kill_worker)
        await asyncio.to_thread(stack.start, "worker")
        messages += await until(guest, "done")
    assert _check_whole(messages) == uninterrupted
    reply = await _stored(stack, token, conversation)
    assert reply["content"] == uninterrupted
    async with http(stack, token) as client:
        state = (await client.get(f"/api/generations/{messages[0]['generation']}")).json()
    assert (state["status"], state["attempt"]) == ("completed", 2)


async def test_a_waiting_reply_is_kept_and_written(stack: Stack) -> None:
    await asyncio.to_thread(stack.kill_worker)
    async with socket(stack) as guest:
        await _ask(guest)
        messages = await until(guest, "queued")
        token = await sign_up(stack)
        conversation = await _keep(stack, token, messages[0]["generation"])
        await asyncio.to_thread(stack.start, "worker")
        messages += await until(guest, "done")
    text = _check_whole(messages)
    assert (await _stored(stack, token, conversation))["content"] == text


async def test_a_reply_that_has_ended_is_kept_from_its_stream(stack: Stack) -> None:
    async with socket(stack) as guest:
        await _ask(guest)
        messages = await until(guest, "done")
    token = await sign_up(stack)
    conversation = await _keep(stack, token, messages[0]["generation"])
    reply = await _stored(stack, token, conversation)
    assert reply["content"] == _check_whole(messages)
