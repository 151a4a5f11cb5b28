"""Members for a load test: each call registers one and fetches a ticket for its socket."""

from __future__ import annotations

import json
import secrets
import urllib.request
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT_S = 60


def ticket_for_new_member(socket_url: str) -> str:
    """Register somebody where `socket_url` leads; blocking. Raises OSError."""
    parts = urlsplit(socket_url)
    base = f"{'https' if parts.scheme == 'wss' else 'http'}://{parts.netloc}"
    name = f"bench_{secrets.token_hex(8)}"
    user = {"username": name, "password": secrets.token_urlsafe(16)}
    token = _post(f"{base}/api/auth/register", user)["token"]
    return str(_post(f"{base}/api/auth/ws-ticket", {}, token)["ticket"])


def _post(url: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=_TIMEOUT_S) as response:
        answer: dict[str, Any] = json.load(response)
    return answer
