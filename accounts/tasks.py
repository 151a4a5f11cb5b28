"""Scheduled upkeep of accounts."""

from celery import shared_task
from django.core.management import call_command

from accounts.sessions import sessions_prune
from accounts.suspension import suspensions_lift


@shared_task
def lift_suspensions() -> None:
    """Let those in again whose suspension is over. Safe to run twice."""
    suspensions_lift()


@shared_task
def prune_tokens() -> None:
    """Delete refresh tokens and sessions that have expired. Safe to run twice."""
    call_command("flushexpiredtokens")
    sessions_prune()
