"""Ends what a user has open (sockets, streams) when the account or the session behind it ends.

One watcher for each web process asks the database once a second, in one query, about all users
with something open here; a hint of a suspension only makes it ask at once. Without anything open
nothing runs. Knows nothing of transports.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import django.db
from channels.db import database_sync_to_async

from accounts.errors import ApiError, NotAuthenticated, Suspended
from accounts.hints import SUSPENDED_HINT, hints
from accounts.models import User
from accounts.per_loop import PerLoop

logger = logging.getLogger(__name__)

LOOK_S = 1.0
_ENDED = "Your session has ended. Sign in again."
_EXPIRED = "Your session has expired. Sign in again."

# What ends a session: Suspended or NotAuthenticated.
Ended = asyncio.Future[ApiError]
_State = tuple[bool, int]


@dataclass(slots=True, eq=False)
class _Open:
    """One open thing; `token_version` None: any session of the user will do."""

    token_version: int | None
    ended: Ended

    def judge(self, state: _State | None) -> None:
        """Set `ended` if a user in this state (None: there is no such user) must go."""
        if state is None:
            _end(self.ended, NotAuthenticated(_ENDED))
        elif not state[0]:
            _end(self.ended, Suspended())
        elif self.token_version is not None and state[1] > self.token_version:
            _end(self.ended, NotAuthenticated(_ENDED))


class SessionWatcher:
    """Owns the watching task and the table of open things of one event loop."""

    def __init__(self) -> None:
        self._open: dict[int, set[_Open]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    def add(self, user_id: int, opened: _Open) -> None:
        self._open[user_id].add(opened)
        if self._task is None:
            self._task = asyncio.create_task(self._watch(), name="session-watch")

    def remove(self, user_id: int, opened: _Open) -> None:
        self._open[user_id].discard(opened)
        if not self._open[user_id]:
            del self._open[user_id]
        if not self._open and self._task is not None:
            self._task.cancel()
            self._task = None

    def look_now(self) -> None:
        self._wake.set()

    async def _watch(self) -> None:
        is_answering = True
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            self._wake.clear()
            try:
                asked = tuple(self._open)
                self._judge(asked, await _states(asked))
                is_answering = True
            except Exception as error:
                # All sockets of this process depend on this task: it never ends.
                if is_answering or not isinstance(error, django.db.Error):
                    logger.warning("the users of open sockets were not found", exc_info=True)
                is_answering = False

    def _judge(self, asked: Iterable[int], states: dict[int, _State]) -> None:
        for user_id in asked:
            for opened in self._open.get(user_id, ()):
                opened.judge(states.get(user_id))


session_watcher: PerLoop[SessionWatcher] = PerLoop(SessionWatcher)


@asynccontextmanager
async def session_watch(
    user_id: int, token_version: int | None = None, expires_at: float | None = None
) -> AsyncIterator[Ended]:
    """Give a future that is set when this session ends, to Suspended or NotAuthenticated.

    Within two seconds after a suspension, a logout everywhere or the end of the account, on every
    web process; at `expires_at` (seconds since the epoch), when given, on time.
    """
    loop, watcher = asyncio.get_running_loop(), session_watcher()
    opened = _Open(token_version, loop.create_future())

    def hinted(kind: str, data: dict[str, Any]) -> None:
        if kind == SUSPENDED_HINT:
            watcher.look_now()

    timer = None
    if expires_at is not None:
        left_s = max(0.0, expires_at - time.time())
        timer = loop.call_later(left_s, _end, opened.ended, NotAuthenticated(_EXPIRED))
    watcher.add(user_id, opened)
    try:
        with hints().listen(user_id, hinted):
            yield opened.ended
    finally:
        watcher.remove(user_id, opened)
        if timer is not None:
            timer.cancel()


def _end(ended: Ended, why: ApiError) -> None:
    if not ended.done():
        ended.set_result(why)


async def _states(user_ids: tuple[int, ...]) -> dict[int, _State]:
    def read() -> dict[int, _State]:
        rows = User.objects.filter(pk__in=user_ids)
        found = rows.values_list("pk", "is_active", "token_version")
        return {pk: (is_active, version) for pk, is_active, version in found}

    states: dict[int, _State] = await database_sync_to_async(read, thread_sensitive=False)()
    return states
