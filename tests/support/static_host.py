"""A host of static files as a CDN is one, with the headers of deploy/vercel.json."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from deploy.local.paths import ROOT

CONFIG = json.loads((ROOT / "deploy" / "vercel.json").read_text(encoding="utf-8"))


class _Handler(SimpleHTTPRequestHandler):
    """Folders are pages (`trailingSlash`), what is missing is 404.html."""

    def end_headers(self) -> None:
        path = self.path.partition("?")[0]
        for rule in CONFIG["headers"]:
            if re.fullmatch(rule["source"], path):
                for header in rule["headers"]:
                    self.send_header(header["key"], header["value"])
        super().end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        if code != 404:
            super().send_error(code, message, explain)
            return
        content = (Path(self.directory) / "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        """Silent."""


@contextmanager
def static_host(folder: Path, port: int) -> Iterator[str]:
    """The address of a server of that folder's files."""
    handler = partial(_Handler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="static-host")
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.shutdown()
            thread.join()
