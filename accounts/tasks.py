"""Scheduled upkeep of accounts."""

from celery import shared_task
from django.core.management import call_command


@shared_task
def prune_tokens() -> None:
    """Delete refresh tokens that have expired. Safe to run twice."""
    call_command("flushexpiredtokens")
