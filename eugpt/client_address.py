"""Who is asking, and how: the client's address and scheme behind a known number of proxies.

Each proxy appends to `X-Forwarded-For` the address it was called from. With `hops` proxies of our
own in front, the entry that many from the right is the first one that none of them made up, and
all to the left of it is the client's own invention. With none, the connection itself is believed
and nothing else. uvicorn's own handling, by addresses of proxies, is off (deploy/Procfile).
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any

# Nothing behind this layer sees them: what they say is in the scope, or is not believed.
_SAID_BY_PROXIES = frozenset({b"forwarded", b"x-real-ip"})
_PREFIX = b"x-forwarded-"
_SECURE = {"http": "https", "websocket": "wss"}
_PLAIN = {"http": "http", "websocket": "ws"}
_BRACKETED = re.compile(r"\[([^\[\]]+)\](:[0-9]{1,5})?")
_WITH_PORT = re.compile(r"([0-9.]+):[0-9]{1,5}")


class ClientAddress:
    """ASGI: puts the client's address and scheme into the scope of requests and sockets."""

    def __init__(self, application: Any, hops: int) -> None:
        self.application = application
        self.hops = hops

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] in _PLAIN:
            scope = self._scope(scope)
        await self.application(scope, receive, send)

    def _scope(self, scope: dict[str, Any]) -> dict[str, Any]:
        headers = [(n, v) for n, v in scope["headers"] if not _is_of_proxies(n)]
        changed = {**scope, "headers": headers}
        if not self.hops:
            return changed
        if address := parse_address(self._said(scope, b"x-forwarded-for")):
            changed["client"] = (address, 0)
        scheme = self._said(scope, b"x-forwarded-proto", is_often_one=True).lower()
        if scheme in ("https", "http"):
            schemes = _SECURE if scheme == "https" else _PLAIN
            changed["scheme"] = schemes[scope["type"]]
        return changed

    def _said(self, scope: dict[str, Any], header: bytes, *, is_often_one: bool = False) -> str:
        """What the outermost of our proxies says; "" where fewer of them have said something.

        Of the scheme most proxies pass on or set a single value instead of appending one.
        """
        values = b",".join(v for n, v in scope["headers"] if n.lower() == header)
        said = [part.strip() for part in values.decode("latin1").split(",")]
        if len(said) >= self.hops:
            return said[-self.hops]
        return said[0] if is_often_one and len(said) == 1 else ""


def parse_address(text: str) -> str:
    """An IP address with or without a port, as text without one; "" for anything else."""
    for form in (_BRACKETED, _WITH_PORT):
        if match := form.fullmatch(text):
            text = match[1]
            break
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return ""


def _is_of_proxies(name: bytes) -> bool:
    lower = name.lower()
    return lower in _SAID_BY_PROXIES or lower.startswith(_PREFIX)
