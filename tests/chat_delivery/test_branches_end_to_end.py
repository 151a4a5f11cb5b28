"""Regenerate, edit and continue through web, worker and engine: what is streamed is stored."""

import asyncio
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection

from tests.support.stack import Stack
from tests.support.wire import http, send, sign_up, socket, sse, tokens, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

Message = dict[str, Any]


async def ask(ws: ClientConnection, **message: Any) -> tuple[Message, list[Message]]:
    """Send what starts a generation; the `accepted` and all that follows, up to the end."""
    await send(ws, client_id=f"c{asyncio.get_running_loop().time()}", **message)
    messages = await until(ws, "done")
    return next(m for m in messages if m["type"] == "accepted"), messages


async def stored(
    client: httpx.AsyncClient, conversation: int
) -> tuple[Message, dict[int, Message]]:
    answer = (await client.get(f"/api/conversations/{conversation}")).json()
    return answer, {message["id"]: message for message in answer["messages"]}


def text_of(messages: list[Message]) -> str:
    """The streamed text, which must be what the end says."""
    text = "".join(m["text"] for m in tokens(messages))
    assert [m["seq"] for m in tokens(messages)] == list(range(len(tokens(messages))))
    assert text == messages[-1]["text"]
    return text


def whole(text: str) -> str:
    """Without a character that the cut went through: a continuation writes it whole."""
    return text.rstrip("\ufffd")


async def test_branches_over_the_socket(stack: Stack) -> None:
    params = {"max_tokens": 12, "min_tokens": 12, "seed": 3}
    token = await sign_up(stack)
    async with socket(stack, token) as ws, http(stack, token) as client:
        first, messages = await ask(ws, type="prompt", text="hello there", params=params)
        text = text_of(messages)
        reply, prompt = first["assistant_message"], first["user_message"]

        again, messages = await ask(ws, type="regenerate", message=reply)
        other = text_of(messages)
        assert again["user_message"] == prompt
        detail, by_id = await stored(client, first["conversation"])
        assert detail["head"] == again["assistant_message"]
        assert by_id[again["assistant_message"]]["parent"] == prompt
        assert (by_id[reply]["content"], by_id[again["assistant_message"]]["content"]) == (
            text, other,
        )  # fmt: skip

        edited, messages = await ask(ws, type="edit", message=prompt, text="good evening")
        detail, by_id = await stored(client, first["conversation"])
        assert by_id[edited["user_message"]]["parent"] is None
        assert by_id[edited["assistant_message"]]["content"] == text_of(messages)

        more, messages = await ask(ws, type="continue", message=reply)
        longer = text_of(messages)
        assert longer.startswith(whole(text))
        assert len(longer) > len(text)
        assert messages[-1]["usage"]["completion_tokens"] == 12
        detail, by_id = await stored(client, first["conversation"])
        assert by_id[more["assistant_message"]]["content"] == longer
        assert by_id[reply]["content"] == text
        assert detail["head"] == more["assistant_message"]

        _, messages = await ask(ws, type="continue", message=more["assistant_message"])
        assert text_of(messages).startswith(whole(longer))


async def test_branches_over_sse(stack: Stack) -> None:
    params = {"max_tokens": 8, "min_tokens": 8, "logprobs": 1}
    token = await sign_up(stack)
    async with http(stack, token) as client:
        body = {"message": "hello there", "params": params}
        before = (await sse(client, "POST", "/api/chat", json=body))[-1][2]["full_text"]
        conversation = (await client.get("/api/conversations")).json()[0]["id"]
        detail, by_id = await stored(client, conversation)
        reply = detail["head"]
        for action, more in (
            ("regenerate", {}),
            ("edit", {"message": "good evening", "params": params}),
            ("continue", {}),
            ("branch", {"at": 3}),
        ):
            target = by_id[reply]["parent"] if action == "edit" else reply
            if action == "branch":
                trace = (await client.get(f"/api/messages/{reply}/trace")).json()["tokens"]
                more["token"] = trace[3]["id"]
            events = await sse(client, "POST", f"/api/messages/{target}/{action}", json=more)
            done = events[-1][2]
            assert done["full_text"] == "".join(d["token"] for n, _, d in events if n == "token")
            detail, by_id = await stored(client, conversation)
            reply = detail["head"]
            assert by_id[reply]["content"] == done["full_text"]
            if action == "continue":
                assert done["full_text"].startswith(whole(before))
            if action == "branch":
                begun = whole("".join(token["text"] for token in trace[:4]).split("\ufffd")[0])
                assert done["full_text"].startswith(begun)
            before = done["full_text"]
        answer = await client.post("/api/messages/999999999/regenerate", json={})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_continuation_survives_the_death_of_its_worker(stack: Stack) -> None:
    """The words it begins with are not said twice by the next worker."""
    token = await sign_up(stack)
    async with socket(stack, token) as ws, http(stack, token) as client:
        params = {"max_tokens": 20, "min_tokens": 20, "seed": 3}
        first, messages = await ask(ws, type="prompt", text="hello there", params=params)
        text = text_of(messages)
        with stack.slow_worker():
            long = {"max_tokens": 150, "min_tokens": 150, "seed": 3}
            await send(
                ws, type="continue", message=first["assistant_message"], params=long, client_id="x"
            )
            before = await until(ws, "token")
            before += await until(ws, "token")
            stack.kill_worker()
        stack.ensure_running()
        messages = [*before, *await until(ws, "done")]
        assert text_of(messages).startswith(whole(text))
        assert len(text_of(messages)) > len(text)
        _, by_id = await stored(client, first["conversation"])
        assert text_of(messages) in {message["content"] for message in by_id.values()}


async def test_branch_over_the_socket_survives_the_death_of_its_worker(stack: Stack) -> None:
    """The tokens it begins with are told once, with what was recorded of them."""
    token = await sign_up(stack)
    async with socket(stack, token) as ws, http(stack, token) as client:
        params = {"max_tokens": 20, "min_tokens": 20, "seed": 3, "logprobs": 2}
        first, _ = await ask(ws, type="prompt", text="hello there", params=params)
        reply = first["assistant_message"]
        trace = (await client.get(f"/api/messages/{reply}/trace")).json()["tokens"]
        with stack.slow_worker():
            long = {"max_tokens": 150, "min_tokens": 150, "logprobs": 2}
            where = {"message": reply, "at": 10, "token": trace[10]["id"]}
            await send(ws, type="branch", params=long, client_id="x", **where)
            before = await until(ws, "token")
            before += await until(ws, "token")
            stack.kill_worker()
        stack.ensure_running()
        messages = [*before, *await until(ws, "done")]
        text_of(messages)
        accepted = next(m for m in messages if m["type"] == "accepted")
        path = f"/api/messages/{accepted['assistant_message']}/trace"
        stored_trace = (await client.get(path)).json()["tokens"]
        assert stored_trace[:11] == trace[:11]
        assert len(stored_trace) == 11 + 150
        assert [t for m in tokens(messages) for t in m["logprobs"]] == stored_trace
