"""Who a generation belongs to: a member, or a guest known by an address only."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.conf import settings

from accounts.limits import address_key
from accounts.models import User
from chat.access import owner_key_for_user


@dataclass(frozen=True, slots=True)
class Owner:
    """Limits, places and client ids count by `key`; a guest has no `user`."""

    key: str
    user: User | None

    @classmethod
    def member(cls, user: User) -> Owner:
        return cls(owner_key_for_user(user.pk), user)

    @classmethod
    def guest(cls, address: str | None) -> Owner:
        """Guests of one address share limits; the address itself is stored nowhere."""
        salted = f"{settings.SECRET_KEY}:{address_key(address)}"
        return cls("g:" + hashlib.sha256(salted.encode()).hexdigest()[:32], None)
