"""How one socket's client behaves: how fast it talks, how much of it is nonsense."""

import time

from django.conf import settings

from chat.errors import RateLimited

RATE_PER_S = 20.0
BURST = 60
REFUSALS_LIMIT = 100
MALFORMED_LIMIT = 20


class Manners:
    """A token bucket for the messages of one socket, and when patience with it ends."""

    def __init__(self) -> None:
        self._tokens = float(BURST)
        self._filled = time.monotonic()
        self._refusals = 0
        self._malformed = 0

    def heard_nonsense(self) -> None:
        """Count a message that could not be read."""
        self._malformed += 1

    def heard(self) -> None:
        """Count a message; raises RateLimited when it came too soon. Not while limits are off."""
        self._malformed = 0
        now = time.monotonic()
        self._tokens = min(BURST, self._tokens + (now - self._filled) * RATE_PER_S)
        self._filled = now
        if self._tokens >= BURST - 1:
            self._refusals = 0
        if self._tokens >= 1:
            self._tokens -= 1
        elif settings.LIMITS_ENABLED:
            self._refusals += 1
            raise RateLimited(retry_after=1)

    @property
    def is_unbearable(self) -> bool:
        """It goes on in spite of many refusals."""
        return self._refusals >= REFUSALS_LIMIT or self._malformed >= MALFORMED_LIMIT
