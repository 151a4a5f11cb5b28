"""Sockets that only stay open, and what each costs the web processes.

They are opened before the load and closed after it; their pings are answered, nothing more.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType

from websockets.asyncio.client import connect

_AT_ONCE = 20
_SETTLE_S = 2.0
_CONNECT_TIMEOUT_S = 60.0
_SPARE_FILES = 512


@dataclass(frozen=True, slots=True)
class IdleCost:
    """Resident memory of the web processes before and after so many sockets came."""

    sockets: int
    before_bytes: int
    after_bytes: int

    @property
    def bytes_per_socket(self) -> float:
        return (self.after_bytes - self.before_bytes) / self.sockets


class IdleSockets:
    """An asynchronous context: `count` sockets of guests are open inside it."""

    def __init__(self, url: str, count: int, memory_bytes: Callable[[], int]) -> None:
        self._url = url
        self._count = count
        self._memory_bytes = memory_bytes
        self._opened = AsyncExitStack()
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def __aenter__(self) -> IdleCost:
        raise_file_limit(self._count + _SPARE_FILES)
        before = self._memory_bytes()
        await asyncio.gather(*(self._open() for _ in range(self._count)))
        await asyncio.sleep(_SETTLE_S)
        return IdleCost(self._count, before, self._memory_bytes())

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._opened.aclose()

    async def _open(self) -> None:
        async with self._gate:
            socket = await connect(self._url, open_timeout=_CONNECT_TIMEOUT_S, compression=None)
            self._opened.push_async_callback(socket.close)
            await socket.recv()  # ready


def raise_file_limit(files: int) -> None:
    """Let this process (and what it starts) have so many files open, where the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = files if hard == resource.RLIM_INFINITY else min(files, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
