"""What looks lost at one look of the reaper may only be on its way; at several it is lost.

Remembered in Redis, so that it does not matter which process looks next.
"""

from __future__ import annotations

import json
from typing import Any

from accounts.store import redis_client

_KEY = "eugpt:reaper:suspects"
_LIFE_S = 10  # who was not looked at for so long starts anew


def suspects_confirm(names: set[str], *, after_s: float) -> set[str]:
    """Those of `names` that were named at every call for the last `after_s` seconds."""
    client: Any = redis_client()
    known: dict[str, float] = json.loads(client.get(_KEY) or "{}")
    if not names and not known:
        return set()
    now = _now_s(client)
    since = {name: known.get(name, now) for name in names}
    client.set(_KEY, json.dumps(since), ex=_LIFE_S)
    return {name for name, first in since.items() if now - first >= after_s}


def _now_s(client: Any) -> float:
    """By the clock of Redis: the next look may be another machine's."""
    seconds, microseconds = client.time()
    return float(seconds) + float(microseconds) / 1e6
