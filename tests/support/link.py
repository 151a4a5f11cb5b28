"""A network between the browser and the server that can go dead without a word, as a phone's does.

A TCP forwarder: while it is cut no byte passes and no connection is ended. When it is mended, new
connections pass, and who sends something down an old one is told that nobody knows it any more.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

CHUNK_BYTES = 65_536
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Link:
    """Forwards what comes to `url` to the server."""

    def __init__(self, server_url: str) -> None:
        parts = urlsplit(server_url)
        self._target = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._sockets: list[socket.socket] = []
        self._dead: set[socket.socket] = set()
        self._is_cut = False
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, name="link", daemon=True).start()

    def cut(self) -> None:
        """Nothing passes any more, and nobody is told."""
        with self._lock:
            self._is_cut = True
            self._dead.update(self._sockets)

    def mend(self) -> None:
        """New connections pass."""
        with self._lock:
            self._is_cut = False

    def close(self) -> None:
        with self._lock:
            for one in (self._listener, *self._sockets):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            with self._lock:
                self._sockets += [near, far]
                if self._is_cut:
                    self._dead |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK_BYTES):
                if source not in self._dead:
                    sink.sendall(data)
                elif not self._is_cut:
                    source.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                    source.close()
                    return
            if source not in self._dead:
                sink.shutdown(socket.SHUT_WR)


@contextmanager
def linked(server_url: str) -> Iterator[Link]:
    """A link to the server for as long as the block lasts."""
    link = Link(server_url)
    try:
        yield link
    finally:
        link.close()
