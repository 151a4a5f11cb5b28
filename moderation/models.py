"""What the staff did: one row for each act, written by `moderation.audit` only."""

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

NAME_MAX_CHARS = 150
ACTION_MAX_CHARS = 60


class AuditEntry(models.Model):
    """An act of somebody of the staff. It outlives actor and target, whose names it then drops."""

    at = models.DateTimeField(default=timezone.now)
    # Null: the actor's account is deleted, or there was none (a command, a failed sign-in).
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="audit_entries",
    )
    actor_name = models.CharField(max_length=NAME_MAX_CHARS, blank=True, default="")
    # For example "user.suspend".
    action = models.CharField(max_length=ACTION_MAX_CHARS)
    # "accounts.user", or empty where the act has no object.
    target_type = models.CharField(max_length=100, blank=True, default="")
    target_id = models.CharField(max_length=64, blank=True, default="")
    target_name = models.CharField(max_length=NAME_MAX_CHARS, blank=True, default="")
    detail = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    request_id = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        default_permissions = ("view",)
        permissions = [
            ("view_workers", "Can see the workers"),
            ("reset_second_factor", "Can take away the second factor of others"),
        ]
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_listed"),
            models.Index(fields=["action", "-at"], name="audit_by_action"),
            models.Index(fields=["target_type", "target_id", "-at"], name="audit_by_target"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target_name}".strip()
