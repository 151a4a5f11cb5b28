"""How long the audit log is kept: EUGPT_AUDIT_DAYS."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from accounts.upkeep import Leftovers, Rows
from moderation.models import AuditEntry


def _old_entries() -> Rows:
    return AuditEntry.objects.filter(at__lt=timezone.now() - timedelta(days=settings.AUDIT_DAYS))


MODERATION_LEFTOVERS = (Leftovers("old audit entries", _old_entries),)
