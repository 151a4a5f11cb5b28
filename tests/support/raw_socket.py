"""A WebSocket client that may break every rule: frames are made by hand, reading is optional."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

TEXT, BINARY, CLOSE, PING, PONG, CONT = 1, 2, 8, 9, 10, 0


def frame(
    opcode: int, payload: bytes, *, is_final: bool = True, reserved: int = 0, is_masked: bool = True
) -> bytes:
    """One frame as a client sends it, legal or not."""
    first = (0x80 if is_final else 0) | (reserved << 4) | opcode
    mask_bit = 0x80 if is_masked else 0
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", first, mask_bit | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, mask_bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, mask_bit | 127, size)
    if not is_masked:
        return head + payload
    mask = os.urandom(4)
    key = (mask * (size // 4 + 1))[:size]
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
    return head + mask + masked


@dataclass(slots=True)
class Received:
    """A frame of the server."""

    opcode: int
    payload: bytes

    @property
    def close_code(self) -> int:
        return int.from_bytes(self.payload[:2], "big") if len(self.payload) >= 2 else 1005


class RawSocket:
    """An open connection after the handshake; leaving its context cuts it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, url: str, *, receive_bytes: int | None = None) -> RawSocket:
        """Shake hands; `receive_bytes` makes the kernel take no more than about that for us."""
        parts = urlsplit(url)
        plain = socket.socket()
        if receive_bytes is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, (parts.hostname, parts.port))
        limit = receive_bytes or 2**20
        reader, writer = await asyncio.open_connection(sock=plain, limit=limit)
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        writer.write(
            f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        return cls(reader, writer)

    async def __aenter__(self) -> RawSocket:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.cut()
        with suppress(OSError):
            await self.writer.wait_closed()

    async def send(self, data: bytes) -> None:
        """Raises OSError when the server has gone."""
        self.writer.write(data)
        await self.writer.drain()

    async def receive(self) -> Received | None:
        """The next frame; None at the end of the connection, however it came."""
        try:
            first, second = await self._reader.readexactly(2)
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack("!H", await self._reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self._reader.readexactly(8))
            return Received(first & 0x0F, await self._reader.readexactly(size))
        except (asyncio.IncompleteReadError, OSError):
            return None

    async def close_code(self) -> int:
        """Read to the end: the code of the server's close frame, 1006 if there was none."""
        while (received := await self.receive()) is not None:
            if received.opcode == CLOSE:
                return received.close_code
        return 1006

    def cut(self) -> None:
        """End the connection without a word."""
        self.writer.transport.abort()
