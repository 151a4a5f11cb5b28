"""Who a generation belongs to: a member, or a guest known by an address and a cookie only."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from django.conf import settings

from accounts.guests import guest_read
from accounts.limits import address_key
from accounts.models import User
from chat.access import owner_key_for_user

Role = Literal["guest", "member", "staff"]


@dataclass(frozen=True, slots=True)
class Owner:
    """Places and client ids count by `key`; a guest has no `user`.

    `guest_keys` tell guests of one address apart, for limits; without a cookie it is `key`.
    """

    key: str
    user: User | None
    guest_keys: tuple[str, ...] = ()

    @property
    def role(self) -> Role:
        if self.user is None:
            return "guest"
        return "staff" if self.user.is_staff else "member"

    @classmethod
    def member(cls, user: User) -> Owner:
        return cls(owner_key_for_user(user.pk), user)

    @classmethod
    def guest(
        cls, address: str | None, cookies: Mapping[str, str] | None = None, given: str = ""
    ) -> Owner:
        """Who sends these cookies from this address, neither of which is stored anywhere.

        `given`: the number of a cookie that goes out with the answer. Its holder counts by it from
        now on, and still as one without: else a new cookie each time would begin anew.
        """
        key = f"g:{_hash(address_key(address))}"
        number = guest_read(cookies or {})
        keys = [f"c:{_hash(number)}" if number else key]
        if given:
            keys.append(f"c:{_hash(given)}")
        return cls(key, None, tuple(keys))


def _hash(value: str) -> str:
    return hashlib.sha256(f"{settings.SECRET_KEY}:{value}".encode()).hexdigest()[:32]
