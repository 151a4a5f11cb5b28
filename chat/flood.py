"""How fast one socket may talk: a token bucket, and when patience with it ends."""

import time

RATE_PER_S = 20.0
BURST = 60
REFUSALS_LIMIT = 100


class FloodGate:
    """Counts the messages of one socket."""

    def __init__(self) -> None:
        self._tokens = float(BURST)
        self._filled = time.monotonic()
        self._refusals = 0

    def may_pass(self) -> bool:
        """Take a token, if there is one."""
        now = time.monotonic()
        self._tokens = min(BURST, self._tokens + (now - self._filled) * RATE_PER_S)
        self._filled = now
        if self._tokens >= BURST - 1:
            self._refusals = 0
        if self._tokens < 1:
            self._refusals += 1
            return False
        self._tokens -= 1
        return True

    @property
    def is_exhausted(self) -> bool:
        """It goes on in spite of many refusals."""
        return self._refusals >= REFUSALS_LIMIT
