"""Whether a reply that Redis knows nothing of any more is still this worker's to write."""

from __future__ import annotations

import math
from collections.abc import Sequence

from django.db import connection

from chat.delivery.reply import RunningReply
from chat.generation.lifecycle import generation_running_attempts
from chat.generation.patience import patiently


def held_in_database(replies: Sequence[RunningReply]) -> set[str]:
    """Keys of the replies whose claim holds; waits while the database does not answer."""
    ids = [reply.id for reply in replies]
    running = patiently(lambda: generation_running_attempts(ids=ids), patience_s=math.inf)
    return {reply.key for reply in replies if running.get(reply.id) == reply.attempt}


def held_in_database_by_thread(replies: Sequence[RunningReply]) -> set[str]:
    """The same on a thread of its own kind, which gives its connection back."""
    try:
        return held_in_database(replies)
    finally:
        connection.close()


def held_by_its_end(replies: Sequence[RunningReply]) -> set[str]:
    """For those whose end this worker has stored: nobody can hold them afterwards."""
    return {reply.key for reply in replies}
