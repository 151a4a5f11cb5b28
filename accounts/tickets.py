"""WebSocket tickets: a browser cannot send a header on a handshake, so it buys a short-lived,
single-use ticket with its access token and puts that into the address.
"""

import secrets

import redis.asyncio
from django.conf import settings

from accounts.store import TIMEOUT_S, redis_client

KEY_PREFIX = "eugpt:ticket:"


def ticket_issue(user_id: int) -> str:
    """A new ticket for the user, good once and for TICKET_LIFETIME_S seconds."""
    ticket = secrets.token_urlsafe(32)
    redis_client().set(KEY_PREFIX + ticket, str(user_id), ex=settings.TICKET_LIFETIME_S)
    return ticket


async def ticket_redeem(ticket: str) -> int | None:
    """The user the ticket was issued to, or None when it is unknown, used or too old.

    Runs on any event loop. Whether the user is suspended is the caller's question.
    """
    if not ticket or len(ticket) > 100:
        return None
    async with redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
    ) as client:
        value = await client.getdel(KEY_PREFIX + ticket)
    return int(value) if value is not None else None
