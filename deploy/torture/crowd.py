"""The clients of a run: who they are, how they are found when something is done to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any

from deploy.torture.answers import Answer
from deploy.torture.clients import Client, World
from deploy.torture.prompts import Prompt
from deploy.torture.sockets import GuestSocket, MemberSocket, SilentSocket
from deploy.torture.sse import GuestSse, MemberSse
from deploy.torture.v1 import ApiStream

# A further transport is a subclass of Client with an entry here.
TRANSPORTS: tuple[type[Client], ...] = (GuestSocket, MemberSocket, GuestSse, MemberSse, ApiStream)
BURST: tuple[type[Client], ...] = (GuestSocket, GuestSse)
_END_LIMIT_S = 250.0


class Crowd:
    """Owns the clients' tasks. Call from the event loop."""

    def __init__(self, world: World, count: int) -> None:
        self.world = world
        self.clients = [TRANSPORTS[n % len(TRANSPORTS)](world, n) for n in range(count)]
        self._tasks: list[asyncio.Task[object]] = []

    def start(self) -> None:
        for client in self.clients:
            self._add(client.run, client.name)

    def failures(self) -> list[BaseException]:
        """Exceptions of clients: faults of this program, not of EuGPT."""
        ended = [t for t in self._tasks if t.done() and not t.cancelled()]
        return [error for task in ended if (error := task.exception()) is not None]

    async def end(self) -> None:
        """Let everybody finish what is under way; whoever cannot is left behind."""
        self.world.is_ending = True
        _, pending = await asyncio.wait(self._tasks, timeout=_END_LIMIT_S)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    def under_way(self, base: str = "") -> list[Answer]:
        """Answers being read (from one web process)."""
        now = [a for a in self.world.answers if not a.is_over and a.generation]
        return [a for a in now if base in ("", a.base)]

    def busy(self) -> list[Client]:
        """Clients that are reading an answer now."""
        return [c for c in self.clients if c.current and c.current.words and not c.current.is_over]

    def silent(self, count: int) -> None:
        """Add clients that ask and do not read."""
        for _ in range(count):
            client = SilentSocket(self.world, self._number())
            self._add(client.run, client.name)

    def burst(self, count: int) -> list[Client]:
        """Add clients that all ask once, now."""
        new = []
        for n in range(count):
            client = BURST[n % len(BURST)](self.world, self._number())
            self._add(partial(self._once, client), client.name)
            new.append(client)
        return new

    @staticmethod
    async def _once(client: Client) -> None:
        await client.one_answer(Prompt(client.script.client_id(), client.script.question()))
        await client.leave()

    def _number(self) -> int:
        return 1000 + len(self._tasks)

    def _add(self, run: Callable[[], Coroutine[Any, Any, object]], name: str) -> None:
        self._tasks.append(asyncio.create_task(run(), name=name))


def answers_of(clients: Iterable[Client]) -> list[Answer]:
    return [client.current for client in clients if client.current is not None]
