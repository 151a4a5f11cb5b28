"""Ends what a user has open (sockets, streams) when the account or the session behind it ends.

One watcher for each web process asks the database once a second, in two queries, about all users
with something open here and their sessions; a hint that one has ended only makes it ask at once.
Without anything open nothing runs. Knows nothing of transports.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import django.db
from channels.db import database_sync_to_async

from accounts.errors import ApiError, NotAuthenticated
from accounts.hints import SESSION_ENDED_HINT, SUSPENDED_HINT, hints
from accounts.models import Session, User
from accounts.per_loop import PerLoop
from accounts.sessions import ENDED
from accounts.suspension import is_suspended, suspended_error

logger = logging.getLogger(__name__)

LOOK_S = 1.0
_EXPIRED = "Your session has expired. Sign in again."

# What ends a session: Suspended or NotAuthenticated.
Ended = asyncio.Future[ApiError]


class _State(NamedTuple):
    """What the database says of a user."""

    pk: int
    token_version: int
    is_active: bool
    suspended_until: datetime | None
    suspension_reason: str


@dataclass(frozen=True, slots=True)
class _States:
    """Users by id, and the sessions that go on."""

    users: dict[int, _State]
    sessions: set[uuid.UUID]


@dataclass(slots=True, eq=False)
class _Open:
    """One open thing; where the version or the session is None, any will do."""

    user_id: int
    token_version: int | None
    session_id: uuid.UUID | None
    ended: Ended

    def judge(self, states: _States) -> None:
        """Set `ended` if whoever opened it must go."""
        user = states.users.get(self.user_id)
        if user is None:
            _end(self.ended, NotAuthenticated(ENDED))
            return
        until = user.suspended_until
        is_outdated = self.token_version is not None and user.token_version > self.token_version
        has_ended = self.session_id is not None and self.session_id not in states.sessions
        if is_suspended(is_active=user.is_active, until=until):
            _end(self.ended, suspended_error(reason=user.suspension_reason, until=until))
        elif is_outdated or has_ended:
            _end(self.ended, NotAuthenticated(ENDED))


class SessionWatcher:
    """Owns the watching task and the table of open things of one event loop."""

    def __init__(self) -> None:
        self._open: dict[int, set[_Open]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    def add(self, opened: _Open) -> None:
        self._open[opened.user_id].add(opened)
        if self._task is None:
            self._task = asyncio.create_task(self._watch(), name="session-watch")

    def remove(self, opened: _Open) -> None:
        self._open[opened.user_id].discard(opened)
        if not self._open[opened.user_id]:
            del self._open[opened.user_id]
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
                # Not what is opened while the database answers: it was not asked about that.
                asked = [opened for group in self._open.values() for opened in group]
                states = await _read(asked)
                for opened in asked:
                    opened.judge(states)
                is_answering = True
            except Exception as error:
                # All sockets of this process depend on this task: it never ends.
                if is_answering or not isinstance(error, django.db.Error):
                    logger.warning("the users of open sockets were not found", exc_info=True)
                is_answering = False


session_watcher: PerLoop[SessionWatcher] = PerLoop(SessionWatcher)


@asynccontextmanager
async def session_watch(
    user_id: int,
    token_version: int | None = None,
    session_id: uuid.UUID | None = None,
    *,
    expires_at: float | None = None,
) -> AsyncIterator[Ended]:
    """Give a future that is set when this session ends, to Suspended or NotAuthenticated.

    Within two seconds after a suspension, the end of the session or of the account, on every web
    process; at `expires_at` (seconds since the epoch), when given, on time.
    """
    loop, watcher = asyncio.get_running_loop(), session_watcher()
    opened = _Open(user_id, token_version, session_id, loop.create_future())

    def hinted(kind: str, data: dict[str, Any]) -> None:
        if kind in (SUSPENDED_HINT, SESSION_ENDED_HINT):
            watcher.look_now()

    timer = None
    if expires_at is not None:
        left_s = max(0.0, expires_at - time.time())
        timer = loop.call_later(left_s, _end, opened.ended, NotAuthenticated(_EXPIRED))
    watcher.add(opened)
    try:
        with hints().listen(user_id, hinted):
            yield opened.ended
    finally:
        watcher.remove(opened)
        if timer is not None:
            timer.cancel()


def _end(ended: Ended, why: ApiError) -> None:
    if not ended.done():
        ended.set_result(why)


async def _read(asked: list[_Open]) -> _States:
    user_ids = {opened.user_id for opened in asked}
    session_ids = {opened.session_id for opened in asked if opened.session_id is not None}

    def read() -> _States:
        found = User.objects.filter(pk__in=user_ids).values_list(*_State._fields)
        alive = Session.objects.filter(pk__in=session_ids).values_list("pk", flat=True)
        users = map(_State._make, found)
        return _States({user.pk: user for user in users}, set(alive))

    states: _States = await database_sync_to_async(read, thread_sensitive=False)()
    return states
