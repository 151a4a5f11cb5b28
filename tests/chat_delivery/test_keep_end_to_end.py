"""A guest signs up while a reply is written: nothing is lost, nothing comes twice."""

import asyncio
import uuid
from typing import Any

import pytest

from tests.support.stack import Stack
from tests.support.wire import http, send, sign_up, socket, tokens, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PARAMS = {"max_tokens": 300, "min_tokens": 300, "seed": 11}
# The reply then takes five seconds and more: time to sign up, also on a busy machine.
SLOW = {"run_s": 0.01, "rest_s": 0.8}
HISTORY = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
TURNS = [*HISTORY, {"role": "user", "content": "tell me"}]


async def _ask(ws: Any) -> None:
    wish = {"client_id": uuid.uuid4().hex, "history": HISTORY, "params": PARAMS}
    await send(ws, type="prompt", text="tell me", **wish)


async def _keep(stack: Stack, token: str, generation: str, *, is_running: bool = False) -> int:
    async with http(stack, token) as client:
        body = {"turns": TURNS, "generation": generation}
        response = await client.post("/api/conversations/keep", json=body)
        assert response.status_code == 201, response.text
        detail = response.json()
    status = detail["messages"][-1]["generation"]["status"]
    assert not is_running or status in {"queued", "running"}, "the reply had ended before"
    return int(detail["id"])


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
        with stack.slow_worker(**SLOW):
            await _ask(guest)
            messages = await until(guest, "token")
            generation = messages[0]["generation"]
            token = await sign_up(stack)
            conversation = await _keep(stack, token, generation, is_running=True)
            async with socket(stack, token) as member:
                await send(member, type="resume", generation=generation, after=messages[-1]["id"])
                rest = await until(member, "done")
                rest = [m for m in rest if m["type"] != "conversation"]
        messages_of_guest = messages + await until(guest, "done")
    text = _check_whole(messages + rest)
    assert _check_whole(messages_of_guest) == text
    reply = await _stored(stack, token, conversation)
    assert reply["content"] == text
    assert reply["generation"]["status"] == "completed"
    assert reply["generation"]["id"] == generation


async def test_a_kept_reply_survives_the_death_of_its_worker(stack: Stack) -> None:
    token = await sign_up(stack)
    async with socket(stack) as guest:
        await _ask(guest)
        uninterrupted = _check_whole(await until(guest, "done"))
        with stack.slow_worker(**SLOW):
            await _ask(guest)
            messages = await until(guest, "token")
            generation = messages[0]["generation"]
            conversation = await _keep(stack, token, generation, is_running=True)
            await asyncio.to_thread(stack.kill_worker)
        await asyncio.to_thread(stack.start, "worker")
        messages += await until(guest, "done")
    assert _check_whole(messages) == uninterrupted
    reply = await _stored(stack, token, conversation)
    assert reply["content"] == uninterrupted
    async with http(stack, token) as client:
        state = (await client.get(f"/api/generations/{generation}")).json()
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


async def test_keeping_meets_the_end_of_a_reply_at_any_moment(stack: Stack) -> None:
    """Before the end, at it and after it: what is stored is what was streamed."""
    token = await sign_up(stack)
    wish = {"history": HISTORY, "params": PARAMS | {"max_tokens": 40, "min_tokens": 40}}
    for number in range(24):
        async with socket(stack) as guest:
            client_id = uuid.uuid4().hex
            await send(guest, type="prompt", text="tell me", client_id=client_id, **wish)
            messages = await until(guest, "accepted")
            await asyncio.sleep(number * 0.002)
            conversation = await _keep(stack, token, messages[0]["generation"])
            messages += await until(guest, "done")
        reply = await _stored(stack, token, conversation)
        assert reply["content"] == _check_whole(messages), number
        assert reply["generation"]["status"] == "completed"
