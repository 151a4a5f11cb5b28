"""Five people and what one of them has, for asking who may do what.

The owner's rows hold SECRET wherever they hold text: no answer to anybody else may.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from rest_framework.test import APIClient

from accounts.keys import key_create
from accounts.models import ApiKey, Session, User
from accounts.services import user_suspend
from accounts.tokens import TokenPair, tokens_issue
from chat.generation.owner import Owner
from chat.generation.submit import generation_submit
from chat.generation.traces import trace_pack
from chat.models import Conversation, Generation, Message, Share, Trace
from chat.services.shares import share_create
from inference.public import active_chat_format
from tests.accounts.clients import COOKIE, PASSWORD
from tests.chat.factories import conversation_make, exchange_make

ACTORS = ("anonymous", "other", "suspended", "owner", "moderator")
SECRET = "zanzibar"
TOP = 3


@dataclass
class World:
    """Who there is, how they sign in, and the owner's rows."""

    users: dict[str, User] = field(default_factory=dict)
    tokens: dict[str, TokenPair] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    conversation: Conversation = field(init=False)
    reply: Message = field(init=False)
    share: Share = field(init=False)
    key: ApiKey = field(init=False)
    # A token that the reply might have begun with.
    alternative: int = field(init=False)
    # A second sign-in of the owner, and a generation that waits in a conversation of its own.
    session: Session = field(init=False)
    waiting: Generation = field(init=False)
    # A generation of a guest at another address.
    foreign_guest: uuid.UUID = field(init=False)

    @property
    def asked(self) -> Message:
        assert self.reply.parent is not None
        return self.reply.parent

    def client(self, actor: str) -> APIClient:
        """Signed in with bearer token and cookie, as the page is."""
        client = APIClient()
        if actor != "anonymous":
            pair = self.tokens[actor]
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access}")
            client.cookies[COOKIE] = pair.refresh
        return client

    def key_client(self, actor: str) -> APIClient:
        """Signed in with an API key."""
        client = APIClient()
        if actor != "anonymous":
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {self.keys[actor]}")
        return client


@cache
def _hashed() -> str:
    return make_password(PASSWORD)


def world_make() -> World:
    """Needs the tiny checkpoint and a broker that takes tasks."""
    world = World()
    for name in ACTORS[1:]:
        user = User.objects.create(username=name, password=_hashed(), is_staff=name == "moderator")
        world.users[name] = user
        world.tokens[name] = tokens_issue(user=user)
        name_of_key = SECRET if name == "owner" else "key"
        key, world.keys[name] = key_create(user=user, name=name_of_key, expires_at=None)
        if name == "owner":
            world.key = key
    world.users["moderator"].groups.add(Group.objects.get(name="moderator"))
    _give(world, world.users["owner"])
    user_suspend(user=world.users["suspended"])
    return world


def _give(world: World, owner: User) -> None:
    tokens_issue(user=owner, user_agent=SECRET)
    world.session = Session.objects.filter(user=owner).latest("created_at")
    world.conversation = conversation_make(owner, f"About {SECRET}")
    world.reply = exchange_make(world.conversation, f"what is {SECRET}?", f"{SECRET} is an island.")
    world.alternative = _trace(world.reply.generation)
    world.share = share_create(conversation=world.conversation, expires_in_days=None)
    submitted = generation_submit(owner=Owner.member(owner), text=f"more of {SECRET}")
    world.waiting = Generation.objects.get(pk=submitted.generation_id)
    guest = Owner.guest("192.0.2.99")
    world.foreign_guest = generation_submit(owner=guest, text=SECRET).generation_id


def _trace(generation: Generation) -> int:
    """Tokens with alternatives, as a worker stores them; the reply was cut short, too."""
    model = active_chat_format()
    assert model is not None
    ids = model.tokenizer.encode(f" {SECRET} is")
    rows: list[dict[str, Any]] = [
        {
            "id": token,
            "text": model.tokenizer.text(token),
            "logprob": -0.5,
            "top": [{"id": token + n, "text": "x", "logprob": -1.0 - n} for n in range(TOP)],
        }
        for token in ids
    ]
    Trace.objects.create(generation=generation, tokens=trace_pack(rows))
    generation.has_trace, generation.model = True, model.name
    generation.finish_reason = "length"
    generation.save()
    return ids[0] + 1
