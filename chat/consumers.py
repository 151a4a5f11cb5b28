"""The WebSocket of a browser tab: parses messages, calls services, relays followed replies.

A handler never waits for a reply: each followed generation is a task of its own, so that stop,
ping and disconnect are always heard.
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from channels.generic.websocket import AsyncWebsocketConsumer

from accounts.errors import error_describe
from accounts.hints import user_group
from accounts.models import User
from accounts.tickets import ticket_redeem
from chat.access import generation_for_reader
from chat.delivery import streams
from chat.delivery.follow import follow, in_thread
from chat.delivery.streams import Entry
from chat.errors import NotFound, RateLimited, Suspended
from chat.generation.cancel import generation_cancel
from chat.generation.history import MESSAGE_MAX_CHARS
from chat.generation.queue import QueuePlace
from chat.generation.submit import Owner, Submitted, generation_submit
from chat.models import Generation
from chat.protocol import Cancel, Ping, Prompt, Resume, entry_message, parse_message, parse_uuid
from chat.sockets import SocketPlace

logger = logging.getLogger(__name__)

AUTH_ENDED, SUSPENDED, IDLE, TOO_MANY, POLICY = 4401, 4403, 4408, 4429, 1008
IDLE_S = 900.0
MALFORMED_LIMIT = 20
STREAMS_LIMIT = 8


class ChatConsumer(AsyncWebsocketConsumer):
    """One socket. Guests come without a ticket, members with `?ticket=`."""

    user: User | None = None
    owner: Owner
    place: SocketPlace | None = None
    idle: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.streams: dict[uuid.UUID, asyncio.Task[None]] = {}
        self.malformed = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Leave nothing behind, however the socket ends: `disconnect` is not always called."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._leave()

    async def connect(self) -> None:
        await self.accept()
        if not await self._sign_in():
            return
        self.place = SocketPlace.take(self.owner)
        if self.place is None:
            await self.close(TOO_MANY)
            return
        if self.user:
            await self.channel_layer.group_add(user_group(self.user.pk), self.channel_name)
        self._rest_idle()
        name = {"id": self.user.pk, "username": self.user.username} if self.user else None
        limits = {"message_chars": MESSAGE_MAX_CHARS, "streams": STREAMS_LIMIT}
        await self._send({"type": "ready", "user": name, "limits": limits})

    async def _sign_in(self) -> bool:
        """Find out who this is; closes the socket and returns False for a bad ticket."""
        ticket = parse_qs(self.scope["query_string"].decode("latin1")).get("ticket")
        if ticket is None:
            self.owner = Owner.guest((self.scope.get("client") or [None])[0])
            return True
        user_id = await ticket_redeem(ticket[0])
        if user_id is not None:
            self.user = await in_thread(User.objects.filter(pk=user_id).first)
        if self.user is None or not self.user.is_active:
            await self.close(SUSPENDED if self.user else AUTH_ENDED)
            return False
        self.owner = Owner.member(self.user)
        return True

    async def _leave(self) -> None:
        """Stop relaying. The replies themselves go on and can be resumed."""
        if self.place:
            self.place.give_back()
        if self.idle:
            self.idle.cancel()
        for task in self.streams.values():
            task.cancel()
        await asyncio.gather(*self.streams.values(), return_exceptions=True)
        if self.user:
            with suppress(Exception):
                await self.channel_layer.group_discard(user_group(self.user.pk), self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.place is None:  # already being closed
            return
        self._rest_idle()
        message: Any = None
        try:
            message = parse_message(text_data)
            self.malformed = 0
            await self._handle(message)
        except Exception as error:  # noqa: BLE001  (every message gets an answer)
            await self._send_error(error, message)

    async def _handle(self, message: Prompt | Cancel | Resume | Ping) -> None:
        if isinstance(message, Ping):
            await self._send({"type": "pong"})
        elif isinstance(message, Prompt):
            await self._prompt(message)
        else:
            generation = await self._generation(message.generation)
            if isinstance(message, Cancel):
                await in_thread(partial(generation_cancel, generation=generation))
            else:
                await self._follow(generation.pk, message.after or streams.START)

    async def _prompt(self, message: Prompt) -> None:
        submit = partial(
            generation_submit,
            owner=self.owner,
            text=message.text,
            conversation_id=message.conversation if self.user else None,
            history_input=message.history,
            params=message.params,
            client_id=message.client_id,
        )
        submitted = await in_thread(partial(self._submit, submit))
        await self._send(
            {
                "type": "accepted",
                "generation": str(submitted.generation_id),
                "conversation": submitted.conversation_id,
                "user_message": submitted.user_message_id,
                "assistant_message": submitted.assistant_message_id,
                "client_id": message.client_id,
            }
        )
        await self._follow(submitted.generation_id, streams.START, submitted.place)

    def _submit(self, submit: Callable[[], Submitted]) -> Submitted:
        """The hint that closes a suspended member's socket may be lost; raises Suspended."""
        if self.user and not User.objects.filter(pk=self.user.pk, is_active=True).exists():
            raise Suspended
        return submit()

    async def _generation(self, generation_id: str) -> Generation:
        parsed = parse_uuid(generation_id)
        try:
            if parsed is None:
                raise NotFound
            find = partial(generation_for_reader, user=self.user, generation_id=parsed)
            return await in_thread(find)
        except NotFound:
            raise NotFound(generation=generation_id) from None

    async def _follow(
        self, generation_id: uuid.UUID, after: str, place: QueuePlace | None = None
    ) -> None:
        """Relay in a task; a second call for one generation starts again from its cursor."""
        self.streams = {i: task for i, task in self.streams.items() if not task.done()}
        if old := self.streams.pop(generation_id, None):
            old.cancel()
            await asyncio.gather(old, return_exceptions=True)
        while len(self.streams) >= STREAMS_LIMIT:
            oldest = next(iter(self.streams))
            self.streams.pop(oldest).cancel()
            await self._send_error(RateLimited(retry_after=1), None, generation=str(oldest))
        self.streams[generation_id] = asyncio.create_task(
            self._relay(generation_id, follow(generation_id, after, place))
        )

    async def _relay(self, generation_id: uuid.UUID, entries: AsyncIterator[Entry]) -> None:
        try:
            async for entry in entries:
                await self.send(entry_message(generation_id, entry))
        except Exception as error:  # noqa: BLE001  (a task's exception would reach nobody)
            with suppress(Exception):
                await self._send_error(error, None, generation=str(generation_id))

    async def account_suspended(self, event: dict[str, Any]) -> None:
        await self.close(SUSPENDED)

    async def conversation_changed(self, event: dict[str, Any]) -> None:
        await self._send({"type": "conversation", "conversation": event["conversation"]})

    async def _send_error(self, error: Exception, message: Any, **more: Any) -> None:
        info = error_describe(error)
        if info.is_internal:
            logger.error("a message failed", exc_info=error)
        if client_id := getattr(message, "client_id", None):
            more["client_id"] = client_id
        await self._send({"type": "error", **more, **info.body})
        if isinstance(error, Suspended):
            await self.close(SUSPENDED)
        if message is None and not more:
            self.malformed += 1
            if self.malformed >= MALFORMED_LIMIT:
                await self.close(POLICY)

    async def _send(self, message: dict[str, Any]) -> None:
        await self.send(json.dumps(message))

    def _rest_idle(self) -> None:
        """Start the quiet time anew; at its end the socket is closed."""
        if self.idle:
            self.idle.cancel()
        loop = asyncio.get_running_loop()
        self.idle = loop.call_later(IDLE_S, lambda: loop.create_task(self.close(IDLE)))
