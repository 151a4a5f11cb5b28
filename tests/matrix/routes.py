"""What every REST route answers to each of the five: a route without an entry fails the tests.

Each entry is the status for (anonymous, other, suspended, owner, moderator), and how to ask: the
values of the path, of the owner's rows, and a body that the owner may send. A moderator has no more
rights here than any member: what staff may do is in the admin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.accounts.clients import PASSWORD
from tests.matrix.world import SECRET, World

Statuses = tuple[int, int, int, int, int]
Ask = Callable[[World, str], dict[str, Any]]
NEW_PASSWORD = "staple wrong donkey 9"


def everybody(status: int) -> Statuses:
    return (status,) * 5


def members(status: int) -> Statuses:
    """What is one's own, whoever one is."""
    return (401, status, 403, status, status)


def owner(status: int) -> Statuses:
    """What is the owner's: to others it is not there."""
    return (401, 404, 403, status, 404)


def holder(status: int) -> Statuses:
    """A generation: guests have some, too, so a stranger is told the same as a member."""
    return (404, 404, 403, status, 404)


def _nothing(world: World, actor: str) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Route:
    statuses: Statuses
    path: Ask = _nothing
    body: Ask | None = None
    by_key: bool = False
    # Whoever asks is shown the owner's words.
    is_public: bool = False
    # The request means something with a body only.
    query: str = ""


def _body(**fields: Any) -> Ask:
    return lambda world, actor: fields


def _conversation(world: World, actor: str) -> dict[str, Any]:
    return {"conversation_id": world.conversation.pk}


def _share(world: World, actor: str) -> dict[str, Any]:
    return {"conversation_id": world.conversation.pk, "slug": world.share.slug}


def _reply(world: World, actor: str) -> dict[str, Any]:
    return {"message_id": world.reply.pk}


def _asked(world: World, actor: str) -> dict[str, Any]:
    return {"message_id": world.asked.pk}


def _waiting(world: World, actor: str) -> dict[str, Any]:
    return {"generation_id": world.waiting.pk}


def _session(world: World, actor: str) -> dict[str, Any]:
    return {"session_id": world.session.pk}


def _key(world: World, actor: str) -> dict[str, Any]:
    return {"key_id": world.key.pk}


def _credentials(world: World, actor: str) -> dict[str, Any]:
    return {"username": actor, "password": PASSWORD}


def _message(world: World, actor: str) -> dict[str, Any]:
    return {"message": "hello", "conversation_id": world.conversation.pk}


def _bulk(world: World, actor: str) -> dict[str, Any]:
    return {"ids": [world.conversation.pk], "action": "delete"}


def _branch(world: World, actor: str) -> dict[str, Any]:
    return {"at": 0, "token": world.alternative}


_TURNS = [{"role": "user", "content": "Hello!"}, {"role": "assistant", "content": "Hi!"}]
_FILE: dict[str, Any] = {
    "format": "eugpt.conversation",
    "version": 1,
    "conversation": {
        "uuid": "6f1f62c1-5b0c-4d0e-9d3c-0a8f6d9f3c11",
        "title": "Dogs",
        "created_at": "2026-11-22T10:00:00Z",
        "updated_at": "2026-11-22T10:00:05Z",
        "pinned": False,
        "archived": False,
        "head": 1,
    },
    "messages": [
        {
            "id": 1,
            "parent": None,
            "role": "user",
            "content": "Hi",
            "created_at": "2026-11-22T10:00:00Z",
        }
    ],
}

ROUTES: dict[str, Route] = {
    # --- accounts
    "POST /api/auth/register": Route(
        everybody(201), body=_body(username="newcomer", password=NEW_PASSWORD)
    ),
    "POST /api/auth/login": Route((401, 200, 403, 200, 200), body=_credentials),
    "POST /api/auth/refresh": Route((401, 200, 403, 200, 200), body=_nothing),
    "POST /api/auth/logout": Route(everybody(204), body=_nothing),
    "POST /api/auth/logout-all": Route(members(204), body=_nothing),
    "GET /api/auth/me": Route(members(200)),
    "PATCH /api/auth/me": Route(members(200), body=_body(settings={})),
    "DELETE /api/auth/me": Route(members(204), body=_body(password=PASSWORD)),
    "GET /api/auth/me/export": Route(members(200)),
    "POST /api/auth/password": Route(
        members(200), body=_body(old_password=PASSWORD, new_password=NEW_PASSWORD)
    ),
    "GET /api/auth/options": Route(everybody(200)),
    "PUT /api/auth/email": Route(
        members(202), body=_body(email="somebody@example.org", password=PASSWORD)
    ),
    "DELETE /api/auth/email": Route(members(204), body=_body(password=PASSWORD)),
    # Links are for whoever has the mail; nobody has one here.
    "POST /api/auth/email/verify": Route(everybody(400), body=_body(token="x")),
    "POST /api/auth/password/forgot": Route(
        everybody(202), body=_body(email="somebody@example.org")
    ),
    "POST /api/auth/password/reset": Route(
        everybody(400), body=_body(token="x", new_password=NEW_PASSWORD)
    ),
    "GET /api/auth/sessions": Route(members(200)),
    "DELETE /api/auth/sessions/{session_id}": Route(owner(204), _session),
    "POST /api/auth/ws-ticket": Route(members(200), body=_nothing),
    "GET /api/keys": Route(members(200)),
    "POST /api/keys": Route(members(201), body=_body(name="notebook")),
    "DELETE /api/keys/{key_id}": Route(owner(204), _key),
    # --- chat
    "POST /api/chat": Route(owner(200), body=_message),
    "POST /api/chat/guest": Route(everybody(200), body=_body(message="hello")),
    # A suspended member is no guest.
    "GET /api/quota": Route((200, 200, 403, 200, 200)),
    "POST /api/chat/context": Route(everybody(200), body=_body(history=_TURNS, draft="And you?")),
    "GET /api/conversations": Route(members(200), query=f"?q={SECRET}"),
    "POST /api/conversations": Route(members(201), body=_body(title="Greetings")),
    "GET /api/conversations/{conversation_id}": Route(owner(200), _conversation),
    "PATCH /api/conversations/{conversation_id}": Route(
        owner(200), _conversation, _body(title="Mine")
    ),
    "DELETE /api/conversations/{conversation_id}": Route(owner(204), _conversation),
    "GET /api/conversations/{conversation_id}/context": Route(owner(200), _conversation),
    "POST /api/conversations/{conversation_id}/context": Route(
        owner(200), _conversation, _body(draft="How are you?")
    ),
    "GET /api/conversations/{conversation_id}/export": Route(owner(200), _conversation),
    "GET /api/conversations/{conversation_id}/share": Route(owner(200), _conversation),
    "POST /api/conversations/{conversation_id}/share": Route(
        owner(201), _conversation, _body(expires_in_days=7)
    ),
    "DELETE /api/conversations/{conversation_id}/share": Route(owner(204), _conversation),
    "DELETE /api/conversations/{conversation_id}/share/{slug}": Route(owner(204), _share),
    # Ids that are not one's own are passed over: see the test of what a refusal leaves.
    "POST /api/conversations/bulk": Route(members(200), body=_bulk),
    "POST /api/conversations/import": Route(members(201), body=_body(**_FILE)),
    "POST /api/conversations/keep": Route(members(201), body=_body(turns=_TURNS)),
    "GET /api/shared/{slug}": Route(everybody(200), _share, is_public=True),
    "POST /api/messages/{message_id}/regenerate": Route(owner(200), _reply, _nothing),
    "POST /api/messages/{message_id}/edit": Route(owner(200), _asked, _body(message="Hello!")),
    "POST /api/messages/{message_id}/continue": Route(owner(200), _reply, _nothing),
    "POST /api/messages/{message_id}/branch": Route(owner(200), _reply, _branch),
    "GET /api/messages/{message_id}/trace": Route(owner(200), _reply),
    "PUT /api/messages/{message_id}/feedback": Route(owner(200), _reply, _body(rating="up")),
    "DELETE /api/messages/{message_id}/feedback": Route(owner(204), _reply),
    "POST /api/messages/{message_id}/report": Route(owner(201), _reply, _body(reason="wrong")),
    "GET /api/generations/{generation_id}": Route(holder(200), _waiting),
    "POST /api/generations/{generation_id}/cancel": Route(holder(202), _waiting),
    "GET /api/generations/{generation_id}/stream": Route(holder(200), _waiting),
    # --- /v1, with API keys
    "GET /v1/models": Route(members(200), by_key=True),
    "GET /v1/models/{model_id}": Route(
        members(200), lambda world, actor: {"model_id": "eugpt"}, by_key=True
    ),
    # Without a message: no worker runs here who would answer one.
    "POST /v1/chat/completions": Route(
        members(400), body=_body(model="eugpt", messages=[]), by_key=True
    ),
    # --- the system
    "GET /api/health": Route(everybody(503)),
    "GET /api/schema": Route(everybody(200)),
    "GET /api/schema/events": Route(everybody(200)),
    "GET /api/docs": Route(everybody(200)),
}
