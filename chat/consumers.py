"""The WebSocket of a browser tab: who it is, when it must end, and one message after the other.

A handler never waits for a reply (`chat.relays`). While one works nothing more is read from the
client, so a slow database lets no queue grow. A client that does not read is the business of the
protocol below (`eugpt.websocket`): it bounds what waits for it, and for how long.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from typing import Any

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer

from accounts.guests import socket_greet
from accounts.hints import hints
from accounts.watch import Ended, session_watch
from accounts.work import working_on
from chat.generation.history import MESSAGE_MAX_CHARS
from chat.handlers import Chat, handle
from chat.manners import Manners
from chat.metrics import connection_open
from chat.places import place_take
from chat.protocol import ClientMessage, encode, error_message, parse_message
from chat.relays import STREAMS_LIMIT, Relays
from chat.visitors import Visitor, visitor_of

AUTH_ENDED, SUSPENDED, IDLE, TOO_MANY = 4401, 4403, 4408, 4429
POLICY, INTERNAL, TRY_AGAIN = 1008, 1011, 1013
CLOSE_CODES = {
    "not_authenticated": AUTH_ENDED,
    "suspended": SUSPENDED,
    "rate_limited": TOO_MANY,
    "unavailable": TRY_AGAIN,
}
IDLE_S = 900.0
LAST_WORD_S = 0.5


class ChatConsumer(AsyncWebsocketConsumer):
    """One socket. Guests come without a ticket, members with `?ticket=`."""

    chat: Chat | None = None
    idle: asyncio.TimerHandle | None = None
    ending: asyncio.Task[None] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.relays = Relays(self.send)
        self.manners = Manners()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Leave nothing behind, however the socket ends: `disconnect` is not always called."""
        async with AsyncExitStack() as self.stack:
            self.stack.enter_context(connection_open("ws"))
            try:
                await super().__call__(scope, receive, send)
            finally:
                for alarm in (self.idle, self.ending):
                    if alarm:
                        alarm.cancel()
                await self.relays.close()

    async def connect(self) -> None:
        is_guest = b"ticket=" not in self.scope["query_string"]
        headers, given = socket_greet(self.scope) if is_guest else ([], "")
        await self.accept(headers=headers)
        try:
            visitor = await visitor_of(self.scope, given)
            await self._enter(visitor)
        except Exception as error:  # noqa: BLE001  (the close code tells the client)
            await self._end_with(error)
            return
        self.chat = Chat(visitor.owner, self._answer, self.relays)
        self._rest_idle()
        user = visitor.user
        name = {"id": user.pk, "username": user.username} if user else None
        limits = {"message_chars": MESSAGE_MAX_CHARS, "streams": STREAMS_LIMIT}
        await self._answer({"type": "ready", "user": name, "limits": limits})

    async def _enter(self, visitor: Visitor) -> None:
        """Take a place, and have the end of the session told; both until the socket ends."""
        if place := await place_take("socket", visitor.owner):
            self.stack.push_async_callback(place.give_back)
        if ticket := visitor.ticket:
            session_id = uuid.UUID(ticket.session_id)
            watch = session_watch(
                ticket.user_id, ticket.token_version, session_id, expires_at=ticket.expires_at
            )
            ended = await self.stack.enter_async_context(watch)
            ended.add_done_callback(self._session_ended)
            self.stack.enter_context(hints().listen(ticket.user_id, self._hinted))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.chat is None:  # being closed
            return
        self._rest_idle()
        message = None
        try:
            message = parse_message(text_data)
            self.manners.heard()
            async with self.relays.handling:
                with working_on():  # the generation of this message, not of the last one
                    await handle(self.chat, message)
        except StopConsumer:
            raise
        except Exception as error:  # noqa: BLE001  (every message gets an answer)
            if message is None:
                self.manners.heard_nonsense()
            await self._say_error(error, message)
        if self.manners.is_unbearable:
            await self._end(POLICY)

    async def _say_error(self, error: Exception, message: ClientMessage | None) -> None:
        body = error_message(error, message)
        await self._answer(body)
        if body["code"] in ("suspended", "not_authenticated"):
            await self._end(CLOSE_CODES[body["code"]])

    async def _end_with(self, error: Exception) -> None:
        """Close with the error's code. Why an account is suspended fits into a message only."""
        body = error_message(error)
        self.chat = None  # from here on nothing is heard or relayed
        self.relays.stop()
        if body["code"] == "suspended":
            with suppress(Exception):  # who does not read goes without it
                async with asyncio.timeout(LAST_WORD_S):
                    await self._answer(body)
        await self._end(CLOSE_CODES.get(body["code"], INTERNAL))

    async def send(self, text_data: str | None = None, *args: Any, **kwargs: Any) -> None:
        """Send; when the client has gone, so does the consumer."""
        try:
            await super().send(text_data, *args, **kwargs)
        except OSError:
            raise StopConsumer from None

    async def _answer(self, message: dict[str, Any]) -> None:
        await self.send(encode(message))

    def _session_ended(self, ended: Ended) -> None:
        if not ended.cancelled():
            self._end_soon(self._end_with(ended.result()))

    def _hinted(self, kind: str, data: dict[str, Any]) -> None:
        if kind == "conversation.changed":
            self.relays.tell_changed(data["conversation"])

    def _rest_idle(self) -> None:
        """Start the quiet time anew; at its end the socket is closed."""
        if self.idle:
            self.idle.cancel()
        loop = asyncio.get_running_loop()
        self.idle = loop.call_later(IDLE_S, lambda: self._end_soon(self._end(IDLE)))

    def _end_soon(self, end: Coroutine[Any, Any, None]) -> None:
        if self.ending is None:
            self.ending = asyncio.create_task(end)
        else:
            end.close()

    async def _end(self, code: int) -> None:
        """Close; from here on nothing is heard or relayed."""
        self.chat = None
        self.relays.stop()
        with suppress(Exception):  # it has gone already
            await self.close(code)
