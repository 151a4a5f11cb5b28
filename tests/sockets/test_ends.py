"""Sockets end when the session or the account behind them does, on every web process."""

import asyncio
import json
import secrets
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from typing import Any

import jwt
import psycopg
import pytest
import redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from accounts.tickets import KEY_PREFIX
from tests.sockets.web import Web, poll
from tests.support.stack import Stack
from tests.support.wire import PASSWORD, http, receive, send, sign_up, socket, sse_lines, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

WAIT_S = 30
ENDS_OF_SUSPENSION = [("error", "suspended"), ("done", "cancelled")]


def change_users(stack: Stack, change: str, user_ids: list[int]) -> None:
    """Behind the back of every process: no hint is sent."""
    with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
        connection.execute(
            f"UPDATE accounts_user SET {change} WHERE id = ANY(%s)",
            [user_ids],
        )


async def user_id(stack: Stack, token: str) -> int:
    async with http(stack, token) as client:
        return int((await client.get("/api/auth/me")).json()["id"])


async def close_code(ws: ClientConnection) -> int | None:
    """Read to the end; a client that does not read never learns of it."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(WAIT_S):
            while True:
                await ws.recv()
    return ws.close_code


async def ticket_url(web: Stack | Web, token: str) -> str:
    async with http(web, token) as client:
        return f"{web.ws_url}?ticket={(await client.post('/api/auth/ws-ticket')).json()['ticket']}"


async def ticket_for(stack: Stack, token: str, expires_at: float) -> dict[str, Any]:
    """A ticket as one is stored that was bought with this token."""
    return {
        "user_id": await user_id(stack, token),
        "token_version": 0,
        "session_id": jwt.decode(token, options={"verify_signature": False})["sid"],
        "expires_at": expires_at,
    }


async def test_suspension_reaches_every_process_without_a_hint(
    stack: Stack, new_web: Callable[..., Web]
) -> None:
    token, other = await sign_up(stack), await sign_up(stack)
    webs = [new_web(), new_web()]
    async with AsyncExitStack() as opened:
        sockets = [await opened.enter_async_context(socket(web, token)) for web in webs]
        spared = [await opened.enter_async_context(socket(web, other)) for web in webs]
        change_users(stack, "is_active = false", [await user_id(stack, token)])
        assert [await close_code(ws) for ws in sockets] == [4403, 4403]
        for ws in spared:
            await send(ws, type="ping")
            assert (await receive(ws))["type"] == "pong"


async def test_ended_session_closes_4401_and_a_new_one_comes_in(stack: Stack) -> None:
    token = await sign_up(stack)
    async with socket(stack, token) as ws:
        old_ticket = await ticket_url(stack, token)
        change_users(stack, "token_version = token_version + 1", [await user_id(stack, token)])
        assert await close_code(ws) == 4401
    async with connect(old_ticket) as ws:
        assert await close_code(ws) == 4401, "the ticket was bought in the session that ended"


async def test_one_ended_session_closes_its_sockets_only(stack: Stack) -> None:
    """The user signs in twice; one of the sessions is ended from the other."""
    desk = await sign_up(stack)
    async with http(stack, desk) as client:
        name = (await client.get("/api/auth/me")).json()["username"]
        body = {"username": name, "password": PASSWORD}
        phone = (await client.post("/api/auth/login", json=body)).json()["token"]
    async with socket(stack, phone) as ended, socket(stack, desk) as spared:
        async with http(stack, desk) as client:
            sessions = (await client.get("/api/auth/sessions")).json()
            (other,) = [session["id"] for session in sessions if not session["is_current"]]
            assert (await client.delete(f"/api/auth/sessions/{other}")).status_code == 204
        assert await close_code(ended) == 4401
        await send(spared, type="ping")
        assert (await receive(spared))["type"] == "pong"


async def test_deleted_account_closes_4401(stack: Stack) -> None:
    token = await sign_up(stack)
    member = await user_id(stack, token)
    async with socket(stack, token) as ws:
        with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
            for table, column in (
                ("token_blacklist_outstandingtoken", "user_id"), ("accounts_session", "user_id"),
                ("accounts_user", "id"),
            ):  # fmt: skip
                connection.execute(f"DELETE FROM {table} WHERE {column} = %s", [member])
        assert await close_code(ws) == 4401


async def test_an_account_deleted_in_the_middle_of_a_reply_leaves_nothing(stack: Stack) -> None:
    """Its socket closes, its reply stops, and no store holds the name or the words any more."""
    token = await sign_up(stack)
    async with http(stack, token) as client:
        name = (await client.get("/api/auth/me")).json()["username"]
        words = f"secret{secrets.token_hex(8)}"
        await client.post("/api/keys", json={"name": words})
        async with socket(stack, token) as ws:
            params = {"min_tokens": 300, "max_tokens": 300}
            with stack.slow_worker(run_s=0.005, rest_s=0.2):
                await send(ws, type="prompt", text=words, client_id="long", params=params)
                await until(ws, "token")
                assert found(stack, words) == {
                    "accounts_apikey",
                    "chat_conversation",
                    "chat_message",
                }
                export = (await client.get("/api/auth/me/export")).json()
                assert export["conversations"][0]["messages"][0]["content"] == words
                body = {"password": PASSWORD}
                response = await client.request("DELETE", "/api/auth/me", json=body)
                assert response.status_code == 204, response.text
                assert await close_code(ws) == 4401
    async with http(stack) as client:
        body = {"username": name, "password": PASSWORD}
        assert (await client.post("/api/auth/login", json=body)).status_code == 401
    poll(lambda: not found(stack, words, name), "something is left")


def found(stack: Stack, *needles: str) -> set[str]:
    """The tables and keys of all stores in which one of these stands."""
    places = set()
    with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        for (table,) in tables:
            rows = f'SELECT 1 FROM "{table}" AS t WHERE t::text LIKE %s LIMIT 1'
            if any(connection.execute(rows, [f"%{needle}%"]).fetchone() for needle in needles):
                places.add(table)
    with redis.Redis.from_url(stack.env["REDIS_URL"], decode_responses=True) as client:
        for key in client.scan_iter():
            text = key + repr(redis_value(client, key))
            places |= {key for needle in needles if needle in text}
    return places


def redis_value(client: Any, key: str) -> Any:
    read = {
        "string": client.get,
        "hash": client.hgetall,
        "stream": client.xrange,
        "set": client.smembers,
        "list": lambda name: client.lrange(name, 0, -1),
        "zset": lambda name: client.zrange(name, 0, -1),
        "none": lambda name: None,  # it has just ended
    }
    return read[client.type(key)](key)


async def test_socket_ends_with_its_token_and_the_reply_goes_on_elsewhere(stack: Stack) -> None:
    """4401 in the middle of a reply, then a fresh ticket and a resume: no gap, no repeat."""
    token = await sign_up(stack)
    expires_at = time.time() + 2
    ticket = await ticket_for(stack, token, expires_at)
    secret = secrets.token_hex(8)
    with redis.Redis.from_url(stack.env["REDIS_URL"]) as client:
        client.set(KEY_PREFIX + secret, json.dumps(ticket), ex=30)
    seen: list[dict[str, Any]] = []
    params = {"min_tokens": 300, "max_tokens": 300}
    with stack.slow_worker(run_s=0.005, rest_s=0.2):
        async with connect(f"{stack.ws_url}?ticket={secret}") as ws:
            assert (await receive(ws))["type"] == "ready"
            await send(ws, type="prompt", text="hello", client_id="long", params=params)
            with suppress(ConnectionClosed):
                while True:
                    seen.append(await receive(ws))
            assert ws.close_code == 4401
            assert 0 <= time.time() - expires_at < WAIT_S
    tokens = [message for message in seen if message["type"] == "token"]
    assert tokens, "the socket ended before the reply began"
    assert seen[-1]["type"] != "done", "the socket ended after the reply"
    async with socket(stack, token) as ws:
        after, generation = tokens[-1]["id"], tokens[-1]["generation"]
        await send(ws, type="resume", generation=generation, after=after)
        rest = await until(ws, "done")
    tokens += [message for message in rest if message["type"] == "token"]
    assert [message["seq"] for message in tokens] == list(range(len(tokens)))
    assert "".join(message["text"] for message in tokens) == rest[-1]["text"]


async def test_suspended_member_s_stream_ends(stack: Stack) -> None:
    token = await sign_up(stack)
    body = {"message": "hello", "params": {"min_tokens": 300, "max_tokens": 300}}
    events: list[tuple[str, str, dict[str, Any]]] = []
    async with http(stack, token) as client:
        member = await user_id(stack, token)
        with stack.slow_worker(run_s=0.005, rest_s=0.2):
            async with client.stream("POST", "/api/chat", json=body) as response:
                async for event in sse_lines(response):
                    if event[0] == "token" and not any(name == "token" for name, *_ in events):
                        change_users(stack, "is_active = false", [member])
                    events.append(event)
    # The reply is stopped, too: whichever is told first.
    kind, _, end = events[-1]
    assert (kind, end.get("code") or end["finish_reason"]) in ENDS_OF_SUSPENSION


async def test_expired_ticket_is_refused(stack: Stack) -> None:
    token = await sign_up(stack)
    ticket = await ticket_for(stack, token, 1.0)
    with redis.Redis.from_url(stack.env["REDIS_URL"]) as client:
        client.set(KEY_PREFIX + "old", json.dumps(ticket), ex=30)
    async with connect(f"{stack.ws_url}?ticket=old") as ws:
        assert await close_code(ws) == 4401


async def test_nothing_watches_without_members(stack: Stack, new_web: Callable[..., Web]) -> None:
    token, web = await sign_up(stack), new_web()
    async with socket(web) as ws, socket(web, token):
        assert web.tasks()["SessionWatcher._watch"] == 1
        await send(ws, type="ping")
        await receive(ws)
    async with socket(web):
        poll(lambda: "SessionWatcher._watch" not in web.tasks(), "the watcher goes on")
