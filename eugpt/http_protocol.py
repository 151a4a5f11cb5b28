"""uvicorn's HTTP protocol, with a bound on everything one client can make it hold or wait for.

* Reading: the head of a request comes within `head_s` and has HEAD_BYTES at most. A body has
  `body_s` for the first 64 KB, and as long again for each further 128 KB: who sends a byte now and
  then holds nothing for long.
* Writing: what a client does not read stops the senders at 64 KiB (as in uvicorn); after `stall_s`
  the connection is dropped, and with it the response that waits for it. The same time has what is
  left when a response is complete. uvicorn would wait for such a client for ever.

Named in deploy/Procfile. Knows nothing of the application.
"""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 32 * 1024
_BODY_STEP_BYTES = 128 * 1024

_TOO_SLOW = b"408 Request Timeout", b"The request took too long to arrive."
_TOO_LONG = b"431 Request Header Fields Too Large", b"The head of the request is too large."


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection."""

    stall_s = 30.0
    head_s = 15.0
    body_s = 30.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stall_timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = None
        self._awaited: Literal["", "head", "body"] = ""
        self._bytes = 0  # of what is awaited

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_part("head")

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_client()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._forget_stall()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._awaited != "head":
            self._await_part("head")

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._await_part("body")

    def on_body(self, body: bytes) -> None:
        self._bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._await_part("")
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._await_part("")
        super().handle_websocket_upgrade()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._stall_timer is None and self.transport.get_write_buffer_size():
            self._await_client()

    def data_received(self, data: bytes) -> None:
        if not self.flow.write_paused:  # it lives, and what is left may be of the next response
            self._forget_stall()
        is_idle = self.cycle is None or self.cycle.response_complete
        if is_idle and not self._awaited:  # empty lines before a request begin none
            self._await_part("head")
        super().data_received(data)
        if self._awaited == "head":
            self._bytes += len(data)
            if self._bytes > HEAD_BYTES:
                self._refuse(*_TOO_LONG)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_stall()
        self._await_part("")
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        self._refuse(b"400 Bad Request", msg.encode())

    def _await_part(self, part: Literal["", "head", "body"]) -> None:
        """What has to arrive from now on; nothing is "", and takes as long as it likes."""
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None
        self._awaited, self._bytes = part, 0
        if part:
            after_s = self.head_s if part == "head" else self.body_s
            self._read_timer = self.loop.call_later(after_s, self._look_at_part)

    def _look_at_part(self) -> None:
        """Drop the connection, unless a body has come on well or waits for us to read it."""
        self._read_timer = None
        is_ours = self.flow.read_paused or self._bytes >= _BODY_STEP_BYTES
        if self._awaited == "body" and is_ours:
            self._await_part("body")
        else:
            self._refuse(*_TOO_SLOW)

    def _refuse(self, status: bytes, text: bytes) -> None:
        self._await_part("")
        is_idle = self.cycle is None or self.cycle.response_complete
        if not self.transport.is_closing() and (is_idle or not self.cycle.response_started):
            self.transport.write(
                b"HTTP/1.1 " + status + b"\r\ncontent-type: text/plain; charset=utf-8\r\n"
                b"content-length: " + str(len(text)).encode() + b"\r\n"
                b"cache-control: no-store\r\nx-content-type-options: nosniff\r\n"
                b"connection: close\r\n\r\n" + text
            )
        self.transport.close()

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
