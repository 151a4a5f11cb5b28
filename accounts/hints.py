"""Hints to a user's open sockets, over the channel layer. They may be lost; nothing depends on one.

The consumer joins `user_group(user_id)` and has a handler for each message type.
"""

import logging
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

logger = logging.getLogger(__name__)


def user_group(user_id: int) -> str:
    """The channel-layer group of all sockets of a user."""
    return f"user.{user_id}"


def user_hint(*, user_id: int, kind: str, **data: Any) -> None:
    """Send `{"type": kind, **data}` to the user's sockets. From synchronous code, after commit."""
    layer = get_channel_layer()
    try:
        async_to_sync(layer.group_send)(user_group(user_id), {"type": kind, **data})
    except Exception:
        logger.warning("a %s hint for user %s was not sent", kind, user_id, exc_info=True)
