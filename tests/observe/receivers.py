"""Receivers on loopback: one takes Sentry's envelopes and OTLP's spans, one never answers."""

from __future__ import annotations

import gzip
import itertools
import json
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

T = TypeVar("T")
_WAIT_S = 30


class Receiver:
    """Whatever is posted, unpacked; Sentry's and OTLP's parts of it are parsed on demand."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, bytes]] = []
        self.heads: list[str] = []
        self.port = 0

    @property
    def dsn(self) -> str:
        return f"http://publickey@127.0.0.1:{self.port}/1"

    @property
    def otel_endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def events(self) -> list[dict[str, Any]]:
        """Sentry's events: an envelope is a line of its own, then for each item head and body."""
        found = []
        for path, body in list(self.posted):
            if path.endswith("/envelope/"):
                lines = [json.loads(line) for line in body.splitlines() if line.strip()]
                heads = itertools.pairwise(lines[1:])
                found += [item for head, item in heads if head.get("type") == "event"]
        return found

    def spans(self) -> list[Span]:
        found: list[Span] = []
        for path, body in list(self.posted):
            if path == "/v1/traces":
                request = ExportTraceServiceRequest.FromString(body)
                for resource in request.resource_spans:
                    for scope in resource.scope_spans:
                        found += scope.spans
        return found

    def everything(self) -> bytes:
        """Each received byte: heads and unpacked bodies."""
        return "\n".join(self.heads).encode() + b"\n".join(body for _, body in self.posted)


def until(find: Callable[[], T | None]) -> T:
    """The first answer of `find` that is true; within 30 s."""
    deadline = time.monotonic() + _WAIT_S
    while not (found := find()):
        assert time.monotonic() < deadline, "nothing was received"
        time.sleep(0.1)
    return found


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            packing = self.headers.get("Content-Encoding", "")
            if packing == "gzip":
                body = gzip.decompress(body)
            elif packing == "deflate":
                body = zlib.decompress(body)
            else:
                assert not packing
            receiver.heads.append(f"{self.path}\n{self.headers}")
            receiver.posted.append((self.path, body))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def silence() -> Iterator[int]:
    """The port of a receiver that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]
