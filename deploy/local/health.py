"""Wait until the started web process reports that the whole installation works."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable


def wait_until_healthy(base_url: str, *, is_alive: Callable[[], bool], timeout_s: float) -> str:
    """Poll /api/health; returns "" once it is ok, else the last thing seen."""
    deadline = time.monotonic() + timeout_s
    seen = "no answer"
    while time.monotonic() < deadline and is_alive():
        status, seen = _health(base_url)
        if status == "ok":
            return ""
        time.sleep(0.2)
    return seen


def _health(base_url: str) -> tuple[str, str]:
    """The status and the whole body of one health request."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{base_url}/api/health", timeout=5) as response:
            body = response.read().decode()
    except urllib.error.HTTPError as error:
        body = error.read().decode(errors="replace")
    except OSError as error:
        return "", str(error)
    try:
        return str(json.loads(body)["status"]), body
    except (ValueError, KeyError, TypeError):
        return "", body[:300]
