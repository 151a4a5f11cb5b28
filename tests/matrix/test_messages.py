"""Every WebSocket message, sent by everybody about one member's chat, to the real stack.

A new message type without a row in ANSWERS fails the tests.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from chat.protocol import BY_TYPE
from tests.support.stack import Stack
from tests.support.wire import http, receive, send, sign_up, socket, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

SECRET = "zanzibar"
PARAMS = {"max_tokens": 8, "min_tokens": 8, "seed": 5, "logprobs": 2}
PONG, ACCEPTED, NOT_FOUND = "pong", "accepted", "not_found"

# Type of the first answer, or code of the error, for (guest, other, owner, moderator).
ANSWERS: dict[str, tuple[str, str, str, str]] = {
    "prompt": (ACCEPTED, NOT_FOUND, ACCEPTED, NOT_FOUND),  # a guest's: without the conversation
    "regenerate": (NOT_FOUND, NOT_FOUND, ACCEPTED, NOT_FOUND),
    "edit": (NOT_FOUND, NOT_FOUND, ACCEPTED, NOT_FOUND),
    "continue": (NOT_FOUND, NOT_FOUND, ACCEPTED, NOT_FOUND),
    "branch": (NOT_FOUND, NOT_FOUND, ACCEPTED, NOT_FOUND),
    "cancel": (NOT_FOUND, NOT_FOUND, PONG, NOT_FOUND),
    "resume": (NOT_FOUND, NOT_FOUND, "started", NOT_FOUND),
    "ping": (PONG, PONG, PONG, PONG),
}


@dataclass(frozen=True)
class Owned:
    """One exchange of the owner's, cut short by its limit, and a token it might have begun with."""

    token: str
    accepted: dict[str, Any]
    alternative: int

    def message(self, kind: str) -> dict[str, Any]:
        reply, asked = self.accepted["assistant_message"], self.accepted["user_message"]
        generation = {"type": kind, "generation": self.accepted["generation"]}
        by_kind: dict[str, dict[str, Any]] = {
            "prompt": {"text": "more", "conversation": self.accepted["conversation"]},
            "regenerate": {"message": reply},
            "edit": {"message": asked, "text": "less"},
            "continue": {"message": reply},
            "branch": {"message": reply, "at": 0, "token": self.alternative},
        }
        if kind in by_kind:
            return {"type": kind, "client_id": f"c-{kind}", "params": PARAMS, **by_kind[kind]}
        return {"type": "ping"} if kind == "ping" else generation


async def owned(stack: Stack) -> Owned:
    token = await sign_up(stack)
    async with socket(stack, token) as ws:
        text = f"what is {SECRET}?"
        await send(ws, type="prompt", text=text, client_id="first", params=PARAMS)
        heard = await until(ws, "done")
    accepted = next(m for m in heard if m["type"] == "accepted")
    first = next(m for m in heard if m["type"] == "token")
    return Owned(token, accepted, first["logprobs"][0]["top"][1]["id"])


async def user_id(stack: Stack, token: str) -> int:
    async with http(stack, token) as client:
        return int((await client.get("/api/auth/me")).json()["id"])


async def moderator(stack: Stack) -> str:
    """The token of a moderator, who may do this in the admin only."""
    token = await sign_up(stack)
    pk = await user_id(stack, token)
    with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
        connection.execute("UPDATE accounts_user SET is_staff = true WHERE id = %s", [pk])
        connection.execute(
            "INSERT INTO accounts_user_groups (user_id, group_id)"
            " SELECT %s, id FROM auth_group WHERE name = 'moderator'",
            [pk],
        )
    return token


async def answer_to(stack: Stack, token: str, message: dict[str, Any]) -> dict[str, Any]:
    """The first answer; behind a `cancel`, which has none, goes a ping."""
    async with socket(stack, token) as ws:
        await send(ws, **message)
        if message["type"] == "cancel":
            await send(ws, type="ping")
        return await receive(ws)


def test_every_message_has_a_row() -> None:
    assert set(BY_TYPE) == set(ANSWERS)


@pytest.mark.parametrize("kind", ANSWERS)
async def test_who_may_send_it(stack: Stack, kind: str) -> None:
    own = await owned(stack)
    tokens = ["", await sign_up(stack), own.token, await moderator(stack)]
    # The owner comes last: what is accepted changes what is there.
    found: dict[str, str] = {}
    for name, index in (("guest", 0), ("other", 1), ("moderator", 3), ("owner", 2)):
        answer = await answer_to(stack, tokens[index], own.message(kind))
        found[name] = answer["code"] if answer["type"] == "error" else answer["type"]
        if name != "owner":
            assert SECRET not in json.dumps(answer)
            assert answer.get("conversation") is None
    expected = dict(zip(("guest", "other", "owner", "moderator"), ANSWERS[kind], strict=True))
    assert found == expected


async def test_a_refused_message_changes_nothing(stack: Stack) -> None:
    own = await owned(stack)
    tokens = ["", await sign_up(stack), await moderator(stack)]
    path = f"/api/conversations/{own.accepted['conversation']}"
    async with http(stack, own.token) as client:
        before = (await client.get(path)).json()
        for token in tokens:
            for kind in ANSWERS:
                await answer_to(stack, token, own.message(kind))
        assert (await client.get(path)).json() == before


async def test_the_suspended_are_told_and_sent_away(stack: Stack) -> None:
    """Whoever holds a ticket from before; tickets are not given any more."""
    token = await sign_up(stack)
    async with http(stack, token) as client:
        ticket = (await client.post("/api/auth/ws-ticket")).json()["ticket"]
        with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
            pk = await user_id(stack, token)
            connection.execute("UPDATE accounts_user SET is_active = false WHERE id = %s", [pk])
        refused = await client.post("/api/auth/ws-ticket")
        assert (refused.status_code, refused.json()["code"]) == (403, "suspended")
    async with connect(f"{stack.ws_url}?ticket={ticket}") as ws:
        told = await receive(ws)
        assert (told["type"], told["code"]) == ("error", "suspended")
        with pytest.raises(ConnectionClosed):
            await receive(ws)
        assert ws.close_code == 4403
