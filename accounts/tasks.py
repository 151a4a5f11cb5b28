"""Scheduled upkeep of accounts."""

from celery import shared_task
from django.core.management import call_command

from accounts.sessions import sessions_prune


@shared_task
def prune_tokens() -> None:
    """Delete refresh tokens and sessions that have expired. Safe to run twice."""
    call_command("flushexpiredtokens")
    sessions_prune()
