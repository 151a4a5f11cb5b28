"""uvicorn's HTTP protocol, which drops a client that takes nothing.

What a client does not read stops the senders at 64 KiB (as in uvicorn); after `stall_s` the
connection is dropped, and with it the response that waits for it. The same time has what is left
when a response is complete. uvicorn would wait for such a client for ever.

Named in deploy/Procfile. Knows nothing of the application.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection."""

    stall_s = 30.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stall_timer: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_client()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._forget_stall()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._stall_timer is None and self.transport.get_write_buffer_size():
            self._await_client()

    def data_received(self, data: bytes) -> None:
        if not self.flow.write_paused:  # it lives, and what is left may be of the next response
            self._forget_stall()
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_stall()
        super().connection_lost(exc)

    def _await_client(self) -> None:
        self._forget_stall()
        self._stall_timer = self.loop.call_later(self.stall_s, self._drop_stalled)

    def _drop_stalled(self) -> None:
        self._stall_timer = None
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def _forget_stall(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
