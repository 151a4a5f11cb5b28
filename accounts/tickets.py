"""WebSocket tickets: a browser cannot send a header on a handshake, so it buys a short-lived,
single-use ticket with its access token and puts that into the address.

A ticket carries what the access token said: until when it is good, of which token version the user
was, and in which session. A socket lives no longer than the token that bought it.
"""

import json
import secrets
from dataclasses import asdict, dataclass

from django.conf import settings

from accounts.store import async_redis_client, redis_client

KEY_PREFIX = "eugpt:ticket:"
_MAX_CHARS = 100


@dataclass(frozen=True, slots=True)
class Ticket:
    """Who bought it. `expires_at`: end of the access token, in seconds since the epoch."""

    user_id: int
    token_version: int
    session_id: str
    expires_at: float


def ticket_issue(ticket: Ticket) -> str:
    """The secret under which the ticket can be had once, for TICKET_LIFETIME_S seconds."""
    secret = secrets.token_urlsafe(32)
    lifetime_s = settings.TICKET_LIFETIME_S
    redis_client().set(KEY_PREFIX + secret, json.dumps(asdict(ticket)), ex=lifetime_s)
    return secret


async def ticket_redeem(secret: str) -> Ticket | None:
    """The ticket, or None when it is unknown, used or too old. Raises redis.RedisError.

    Whether its user may come in is the caller's question.
    """
    if not secret or len(secret) > _MAX_CHARS:
        return None
    value = await async_redis_client().getdel(KEY_PREFIX + secret)
    try:
        return Ticket(**json.loads(value)) if value is not None else None
    except TypeError:  # sold by another release
        return None
