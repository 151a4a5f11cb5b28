"""Who is behind a WebSocket: a guest, or the member whose ticket is in the address."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from accounts.errors import NotAuthenticated
from accounts.guests import socket_cookies
from accounts.models import User
from accounts.sessions import user_in_session
from accounts.tickets import Ticket, ticket_redeem
from chat.delivery.follow import in_thread
from chat.generation.owner import Owner


@dataclass(frozen=True, slots=True)
class Visitor:
    """`ticket` says how long a member's session is good; guests have neither."""

    owner: Owner
    ticket: Ticket | None = None

    @property
    def user(self) -> User | None:
        return self.owner.user


async def visitor_of(scope: dict[str, Any], given: str = "") -> Visitor:
    """Whose handshake it is; `given` is the number of the guest cookie that was its answer.

    Raises NotAuthenticated or Suspended, and what Redis and the database raise in an outage.
    """
    query = parse_qs(scope["query_string"].decode("latin1"), keep_blank_values=True)
    secrets = query.get("ticket")
    if secrets is None:
        address = (scope.get("client") or [None])[0]
        return Visitor(Owner.guest(address, socket_cookies(scope), given))
    ticket = await ticket_redeem(secrets[0])
    if ticket is None or ticket.expires_at <= time.time():
        raise NotAuthenticated
    find = partial(
        user_in_session,
        user_id=ticket.user_id,
        token_version=ticket.token_version,
        session_id=uuid.UUID(ticket.session_id),
    )
    return Visitor(Owner.member(await in_thread(find)), ticket)
