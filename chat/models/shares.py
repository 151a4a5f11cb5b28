"""Public copies of conversations."""

from django.db import models
from django.utils import timezone

from chat.models.conversations import TITLE_MAX_CHARS, Conversation
from chat.safety.models import SafetyRule as SafetyRule  # a model of this app

SLUG_MAX_CHARS = 32


class Share(models.Model):
    """A copy of a conversation's shown branch that whoever knows the slug may read.

    To revoke it is to delete the row.
    """

    slug = models.CharField(max_length=SLUG_MAX_CHARS, unique=True)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="shares")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True, db_index=True)
    title = models.CharField(max_length=TITLE_MAX_CHARS)
    # [{role, content, created_at, model}], oldest first; `omitted` older ones were left out
    messages = models.JSONField()
    omitted = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.title
