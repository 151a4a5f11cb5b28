"""Every link real: HTTP and WebSocket clients, web, worker, engine, Valkey, PostgreSQL."""

import asyncio

import pytest
from websockets.asyncio.client import connect

from tests.support.stack import Stack
from tests.support.wire import http, receive, send, sign_up, socket, sse, sse_lines, tokens, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


async def test_guest_sse_streams_the_text_it_ends_with(stack: Stack) -> None:
    async with http(stack) as client:
        body = {"message": "hi", "history": [], "params": {"max_tokens": 40, "seed": 7}}
        events = await sse(client, "POST", "/api/chat/guest", json=body)
    names = [name for name, _, _ in events]
    assert names[0] == "queued"
    assert names[names.index("started") + 1] == "token"
    assert names.count("token") > 1
    assert names[-1] == "done"
    done = events[-1][2]
    assert done["full_text"] == "".join(d["token"] for n, _, d in events if n == "token")
    assert done["finish_reason"] in {"stop", "length"}
    assert done["usage"]["completion_tokens"] <= 40
    assert {"queued_s", "ttft_s", "total_s", "tokens_per_s"} == set(done["timings"])


async def test_same_seed_gives_the_same_text(stack: Stack) -> None:
    async with http(stack) as client:
        body = {"message": "hello there", "params": {"seed": 5, "max_tokens": 30}}
        streams = [sse(client, "POST", "/api/chat/guest", json=body) for _ in range(4)]
        texts = {events[-1][2]["full_text"] for events in await asyncio.gather(*streams)}
    assert len(texts) == 1


async def test_member_reply_is_stored_as_it_was_streamed(stack: Stack) -> None:
    token = await sign_up(stack)
    async with socket(stack, token) as ws:
        await send(ws, type="prompt", text="hello", client_id="c1", params={"max_tokens": 40})
        messages = await until(ws, "done")
    accepted = next(m for m in messages if m["type"] == "accepted")
    assert accepted["client_id"] == "c1"
    parts = tokens(messages)
    assert [p["seq"] for p in parts] == list(range(len(parts)))
    text = "".join(p["text"] for p in parts)
    assert messages[-1]["text"] == text
    async with http(stack, token) as client:
        detail = (await client.get(f"/api/conversations/{accepted['conversation']}")).json()
    assert [(m["role"], m["content"]) for m in detail["messages"]] == [
        ("user", "hello"),
        ("assistant", text),
    ]
    assert detail["messages"][1]["id"] == accepted["assistant_message"]
    assert detail["messages"][1]["generation"]["status"] == "completed"
    assert detail["title"] == "hello"


async def test_temporary_reply_is_resumed_and_stored_nowhere(stack: Stack) -> None:
    token = await sign_up(stack)
    body = {"message": "hello", "temporary": True, "params": {"max_tokens": 20, "seed": 4}}
    history = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    async with socket(stack, token) as ws, http(stack, token) as client:
        await send(
            ws, type="prompt", text="hello", client_id="t", temporary=True, history=history,
            params=body["params"],
        )  # fmt: skip
        messages = await until(ws, "done")
        generation = messages[0]["generation"]
        names = ("conversation", "user_message", "assistant_message")
        assert [messages[0][name] for name in names] == [None] * 3
        await send(ws, type="resume", generation=generation, after=tokens(messages)[0]["id"])
        assert tokens(await until(ws, "done")) == tokens(messages)[1:]
        async with client.stream("POST", "/api/chat", json=body | {"history": history}) as answer:
            assert answer.status_code == 200
            assert "X-Conversation-Id" not in answer.headers
            events = [event async for event in sse_lines(answer)]
        assert events[-1][2]["full_text"] == messages[-1]["text"]
        assert (await client.get("/api/conversations")).json() == []
        refused = await client.post("/api/chat", json=body | {"conversation_id": 1})
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid")
    async with http(stack) as stranger:
        assert (await stranger.get(f"/api/generations/{generation}")).status_code == 404


async def test_member_sse_and_repeated_client_id(stack: Stack) -> None:
    token = await sign_up(stack)
    async with http(stack, token) as client:
        conversation = (await client.post("/api/conversations", json={})).json()["id"]
        body = {"message": "hi", "conversation_id": conversation, "client_id": "once"}
        first = await sse(client, "POST", "/api/chat", json=body)
        second = await sse(client, "POST", "/api/chat", json=body)
        detail = (await client.get(f"/api/conversations/{conversation}")).json()
    assert first[-1] == second[-1]
    assert len(detail["messages"]) == 2


async def test_resume_gives_the_rest_and_nothing_twice(stack: Stack) -> None:
    async with socket(stack) as ws:
        params = {"max_tokens": 60, "min_tokens": 8}
        await send(ws, type="prompt", text="hello", client_id="r", params=params)
        messages = await until(ws, "done")
        generation = messages[0]["generation"]
        parts = tokens(messages)
        middle = parts[len(parts) // 2]
        await send(ws, type="resume", generation=generation, after=middle["id"])
        rest = await until(ws, "done")
        await send(ws, type="resume", generation=generation)
        whole = await until(ws, "done")
    assert tokens(rest) == parts[len(parts) // 2 + 1 :]
    assert tokens(whole) == parts
    async with http(stack) as client:
        path = f"/api/generations/{generation}/stream"
        events = await sse(client, "GET", path, headers={"Last-Event-ID": middle["id"]})
    assert [i for n, i, _ in events if n == "token"] == [p["id"] for p in tokens(rest)]


async def test_cancel_keeps_the_text_written_so_far(stack: Stack) -> None:
    token = await sign_up(stack)
    params = {"max_tokens": 300, "min_tokens": 300}
    async with socket(stack, token) as ws:
        await send(ws, type="prompt", text="hello", client_id="x", params=params)
        messages = await until(ws, "token")
        generation = messages[0]["generation"]
        await send(ws, type="cancel", generation=generation)
        messages += await until(ws, "done")
    done = messages[-1]
    assert done["finish_reason"] == "cancelled"
    assert done["text"] == "".join(p["text"] for p in tokens(messages))
    assert done["usage"]["completion_tokens"] < 300
    async with http(stack, token) as client:
        state = (await client.get(f"/api/generations/{generation}")).json()
        detail = (await client.get(f"/api/conversations/{messages[0]['conversation']}")).json()
    assert state["status"] == "cancelled"
    assert detail["messages"][1]["content"] == done["text"]


async def test_malformed_messages_are_answered(stack: Stack) -> None:
    async with socket(stack) as ws:
        for text in ("", "nonsense", "[]", "{}", '{"type":"prompt"}', '{"type":"prompt","x":1}'):
            await ws.send(text)
            answer = await receive(ws)
            assert (answer["type"], answer["code"]) == ("error", "invalid"), text
        await ws.send(b"\x00\x01")
        assert (await receive(ws))["code"] == "invalid"
        await send(ws, type="ping")
        assert await receive(ws) == {"type": "pong"}
        bad = {"temperature": 9}
        await send(ws, type="prompt", text="hi", client_id="p", params=bad)
        answer = await receive(ws)
        assert (answer["code"], answer["param"]) == ("bad_params", "temperature")
        assert answer["client_id"] == "p"
        await send(ws, type="prompt", text="a b c " * 600, client_id="long")
        answer = await receive(ws)
        assert answer["code"] == "prompt_too_long"
        assert answer["tokens"] > answer["limit"]


async def test_bad_cursor_is_refused_and_harms_nobody(stack: Stack) -> None:
    """All readers share one pipeline to Redis: a cursor it refuses must not reach it."""
    async with socket(stack) as ws:
        await send(ws, type="prompt", text="hello", client_id="b", params={"max_tokens": 5})
        generation = (await until(ws, "done"))[0]["generation"]
        for after in ("99999999999999999999-0", "x", "1-", "18446744073709551615-0"):
            await send(ws, type="resume", generation=generation, after=after)
            assert (await receive(ws))["code"] == "invalid", after
        async with http(stack) as client:
            path = f"/api/generations/{generation}/stream"
            headers = {"Last-Event-ID": "99999999999999999999-0"}
            assert (await sse(client, "GET", path, headers=headers))[-1][0] == "done"


async def test_socket_survives_what_json_can_carry(stack: Stack) -> None:
    async with socket(stack) as ws:
        for text in (
            '{"type":"prompt","text":"\\ud800","client_id":"s"}',
            '{"type":"prompt","text":"hi","client_id":"s","params":{"\\ud800":1}}',
            '{"type":"prompt","text":"hi","client_id":"s","params":{"seed":' + "9" * 5000 + "}}",
            "[" * 5000,
        ):
            await ws.send(text)
            assert (await receive(ws))["type"] == "error"
        await send(ws, type="ping")
        assert (await receive(ws))["type"] == "pong"


async def test_somebody_elses_generation_is_not_found(stack: Stack) -> None:
    mine, other = await sign_up(stack), await sign_up(stack)
    async with socket(stack, mine) as ws:
        await send(ws, type="prompt", text="hello", client_id="m", params={"max_tokens": 5})
        generation = (await until(ws, "done"))[0]["generation"]
    for token in (other, ""):
        async with socket(stack, token) as ws:
            for kind in ("resume", "cancel"):
                await send(ws, type=kind, generation=generation)
                assert (await receive(ws))["code"] == "not_found"
        async with http(stack, token) as client:
            assert (await client.get(f"/api/generations/{generation}")).status_code == 404
            assert (await client.get(f"/api/generations/{generation}/stream")).status_code == 404
            assert (await client.post(f"/api/generations/{generation}/cancel")).status_code == 404


async def test_used_ticket_closes_with_4401(stack: Stack) -> None:
    async with http(stack, await sign_up(stack)) as client:
        ticket = (await client.post("/api/auth/ws-ticket")).json()["ticket"]
    url = f"{stack.ws_url}?ticket={ticket}"
    async with connect(url) as ws:
        assert (await receive(ws))["type"] == "ready"
    async with connect(url) as ws:
        await ws.wait_closed()
        assert ws.close_code == 4401


async def test_reply_survives_the_death_of_its_worker(stack: Stack) -> None:
    """The reader of a killed worker's reply sees no gap and no repeat."""
    params = {"max_tokens": 300, "min_tokens": 300, "seed": 3}
    async with socket(stack) as ws:
        await send(ws, type="prompt", text="hello", client_id="whole", params=params)
        uninterrupted = (await until(ws, "done"))[-1]["text"]
        await send(ws, type="prompt", text="hello", client_id="killed", params=params)
        messages = await until(ws, "token")
        await asyncio.to_thread(stack.kill_worker)
        await asyncio.to_thread(stack.start, "worker")
        messages += await until(ws, "done")
    parts = tokens(messages)
    assert [p["seq"] for p in parts] == list(range(len(parts)))
    assert "".join(p["text"] for p in parts) == messages[-1]["text"] == uninterrupted
    async with http(stack) as client:
        state = (await client.get(f"/api/generations/{messages[0]['generation']}")).json()
    assert state["attempt"] == 2, "the worker was killed after the reply had ended"
