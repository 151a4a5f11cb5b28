"""How many sockets one owner may have open in this web process."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.conf import settings

from chat.generation.submit import Owner

MEMBER_SOCKETS = 8
GUEST_ADDRESS_SOCKETS = 32  # an address may be a school

_open: Counter[str] = Counter()


@dataclass(slots=True, eq=False)
class SocketPlace:
    """A place that was taken and is given back exactly once."""

    key: str
    is_taken: bool = True

    @classmethod
    def take(cls, owner: Owner) -> SocketPlace | None:
        """A place, or None when the owner has all of theirs."""
        limit = MEMBER_SOCKETS if owner.user else GUEST_ADDRESS_SOCKETS
        if settings.LIMITS_ENABLED and _open[owner.key] >= limit:
            return None
        _open[owner.key] += 1
        return cls(owner.key)

    def give_back(self) -> None:
        if self.is_taken:
            self.is_taken = False
            _open[self.key] -= 1
            if not _open[self.key]:
                del _open[self.key]
