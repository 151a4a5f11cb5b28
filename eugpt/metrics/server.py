"""The private port: `/metrics` for Prometheus, `/livez` and `/readyz` for probes.

A few threads of its own answer, so that a process whose event loop or engine hangs can still say
so. Nothing here is meant for the public: EUGPT_METRICS_BIND says who reaches it.
"""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

logger = logging.getLogger(__name__)

_TIMEOUT_S = 5.0
_CONNECTIONS_MAX = 16

# What is wrong, by what it is wrong with; nothing where all is well.
Check = Callable[[], dict[str, str]]


class MetricsServer(ThreadingHTTPServer):
    """One thread accepts, at most `_CONNECTIONS_MAX` answer; more are hung up on."""

    daemon_threads = True

    def __init__(
        self,
        address: tuple[str, int],
        *,
        is_alive: Check,
        is_ready: Check,
        registry: CollectorRegistry,
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)
        self.registry = registry
        self.checks = {"/livez": is_alive, "/readyz": is_ready}
        self._free = threading.BoundedSemaphore(_CONNECTIONS_MAX)

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, name="metrics", daemon=True).start()

    def server_bind(self) -> None:
        """As a TCP server: HTTPServer asks for the host's name, which may take seconds."""
        if self.address_family == socket.AF_INET6:  # `::` means every address, the old ones too
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "eugpt", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.debug("a probe or a scrape broke off: %s", sys.exception())


class _Handler(BaseHTTPRequestHandler):
    server: MetricsServer
    timeout = _TIMEOUT_S
    server_version, sys_version = "EuGPT", ""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].rstrip("/")
        if path == "/metrics":
            encode, content_type = choose_encoder(self.headers.get("Accept", ""))
            self._answer(200, content_type, encode(self.server.registry))
        elif path in self.server.checks:
            wrong = self.server.checks[path]()
            body = json.dumps({"status": "error" if wrong else "ok", "wrong": wrong})
            self._answer(503 if wrong else 200, "application/json", body.encode())
        else:
            self._answer(404, "text/plain", b"/metrics, /livez and /readyz are here.\n")

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """A line every few seconds would say nothing."""
