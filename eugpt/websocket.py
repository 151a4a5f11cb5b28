"""uvicorn's WebSocket protocol, with a bound on everything one client can make it hold or do.

* Writing: what a client does not read stops the senders at 64 KiB (as in uvicorn); after `stall_s`
  the connection is dropped. uvicorn would wait for such a client for ever.
* Reading: while the client does not read, nothing is read from it, so that answers to its pings
  do not pile up. Frames are taken in slices, so many a second, so many to a message.
* A refused frame (too big, not UTF-8, not WebSocket) is answered with its close code, which the
  client hears: what it has still to say is thrown away instead of being answered by a reset.

Named in deploy/Procfile. Knows nothing of the application.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode

LINGER_S = 10.0
SLICE_BYTES = 16 * 1024
FRAMES_PER_S = 1000
FRAGMENTS_LIMIT = 512


class BoundedWebSocketProtocol(WebSocketsSansIOProtocol):
    """One connection."""

    stall_s = 30.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stall_timer: asyncio.TimerHandle | None = None
        self._second = 0.0
        self._frames_in_second = 0
        self._is_refused = False

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), SLICE_BYTES):
            if self._is_refused:
                return
            super().data_received(data[start : start + SLICE_BYTES])

    def handle_events(self) -> None:
        if self._count_frames(len(self.conn.events)) > FRAMES_PER_S:
            self._refuse(CloseCode.POLICY_VIOLATION, "too many frames")
        else:
            super().handle_events()

    def handle_cont(self, event: Any) -> None:
        if len(self.frames) >= FRAGMENTS_LIMIT:
            self._refuse(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
        else:
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self._refuse(CloseCode.INVALID_DATA, "not UTF-8")
                return
        super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        """Say why, then listen to nothing until the client has closed, or LINGER_S."""
        if self._is_refused:
            return
        self._is_refused = True
        self.stop_keepalive()
        close = self.conn.close_sent
        assert close is not None
        end = {"type": "websocket.disconnect", "code": close.code, "reason": close.reason}
        self.queue.put_nowait(end)  # type: ignore[arg-type]
        self.close_sent = True
        if not self.transport.is_closing():
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.write_eof()
            self.transport.resume_reading()
        if self.close_timer is None:
            self.close_timer = self.loop.call_later(LINGER_S, self.transport.abort)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall_timer = self.loop.call_later(self.stall_s, self.transport.abort)
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._forget_stall()
        if not self.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    async def receive(self) -> Any:
        message = await super().receive()
        if not self.writable.is_set() and not self.transport.is_closing():
            self.transport.pause_reading()
        return message

    async def send(self, message: Any) -> None:
        """Whoever still sends when the end has been said hears that the client has gone."""
        await self.writable.wait()
        if self.close_sent:
            raise ClientDisconnected
        await super().send(message)

    async def run_asgi(self) -> None:
        await super().run_asgi()
        if not self.disconnected:  # closing waits until all is written: not for ever
            self._forget_stall()
            self._stall_timer = self.loop.call_later(LINGER_S, self.transport.abort)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_stall()
        super().connection_lost(exc)

    def _refuse(self, code: CloseCode, reason: str) -> None:
        self.conn.fail(code, reason)
        if self.conn.close_sent is not None:
            self.handle_parser_exception()

    def _count_frames(self, more: int) -> int:
        now = self.loop.time()
        if now - self._second >= 1:
            self._second, self._frames_in_second = now, 0
        self._frames_in_second += more
        return self._frames_in_second

    def _forget_stall(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
