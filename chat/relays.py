"""What one socket follows: a task for each reply, so that stop, ping and disconnect are heard."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

from channels.exceptions import StopConsumer

from chat.delivery import streams
from chat.delivery.follow import follow
from chat.delivery.streams import Entry
from chat.errors import RateLimited
from chat.generation.queue import QueuePlace
from chat.protocol import encode, entry_message, error_message

STREAMS_LIMIT = 8
_CHANGES_LIMIT = 64

# Sends one text frame; waits while the client does not read; StopConsumer when it has gone.
Send = Callable[[str], Awaitable[Any]]


class Relays:
    """The table of one socket's tasks. Closing it ends no reply: they can be resumed."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._tasks: dict[uuid.UUID, asyncio.Task[None]] = {}
        # Held while a message is handled: `accepted` comes before the news it makes.
        self.handling = asyncio.Lock()
        self._changed: dict[int, None] = {}
        self._telling: asyncio.Task[None] | None = None

    async def follow(
        self, generation_id: uuid.UUID, after: str = streams.START, place: QueuePlace | None = None
    ) -> None:
        """Relay in a task; a second call for one generation starts again from its cursor."""
        self._tasks = {i: task for i, task in self._tasks.items() if not task.done()}
        if old := self._tasks.pop(generation_id, None):
            old.cancel()
            await asyncio.gather(old, return_exceptions=True)
        while len(self._tasks) >= STREAMS_LIMIT:
            oldest = next(iter(self._tasks))
            self._tasks.pop(oldest).cancel()
            await self._tell_error(RateLimited(retry_after=1), oldest)
        relay = self._relay(generation_id, follow(generation_id, after, place))
        self._tasks[generation_id] = asyncio.create_task(relay)

    def tell_changed(self, conversation: int) -> None:
        """Say soon that it changed; a client that does not read is told less, not later."""
        if len(self._changed) < _CHANGES_LIMIT:
            self._changed[conversation] = None
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_changes())

    def stop(self) -> None:
        """Relay nothing more from now on."""
        for task in self._all():
            task.cancel()

    async def close(self) -> None:
        self.stop()
        await asyncio.gather(*self._all(), return_exceptions=True)

    def _all(self) -> list[asyncio.Task[None]]:
        return [*self._tasks.values(), *([self._telling] if self._telling else [])]

    async def _relay(self, generation_id: uuid.UUID, entries: AsyncIterator[Entry]) -> None:
        try:
            async for entry in entries:
                await self._send(entry_message(generation_id, entry))
        except StopConsumer:
            return
        except Exception as error:  # noqa: BLE001  (a task's exception would reach nobody)
            with suppress(Exception):
                await self._tell_error(error, generation_id)

    async def _tell_error(self, error: Exception, generation_id: uuid.UUID) -> None:
        await self._send(encode(error_message(error, generation=str(generation_id))))

    async def _tell_changes(self) -> None:
        with suppress(StopConsumer):
            while self._changed:
                async with self.handling:
                    conversation = next(iter(self._changed))
                    del self._changed[conversation]
                await self._send(encode({"type": "conversation", "conversation": conversation}))
