"""Conversations and their message trees."""

import uuid
from typing import TypeVar

from django.conf import settings
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from chat.safety.models import SafetyRule as SafetyRule  # a model of this app
from chat.search import SearchWords

TITLE_MAX_CHARS = 120
DEFAULT_TITLE = "New chat"

Searched = TypeVar("Searched", bound=models.Model)


class SearchedManager(models.Manager[Searched]):
    """Leaves the search column, as long as the text itself, in the database."""

    def get_queryset(self) -> models.QuerySet[Searched]:
        return super().get_queryset().defer("search")


class Conversation(models.Model):
    """One chat of one user. `updated_at` moves with its messages, not with a rename or a pin."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="conversations",
        db_index=False,
    )
    # Names the conversation outside this database: an import of its export finds it again.
    uuid = models.UUIDField(default=uuid.uuid4, db_default=RandomUUID(), editable=False)
    title = models.CharField(max_length=TITLE_MAX_CHARS, default=DEFAULT_TITLE)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    pinned = models.BooleanField(default=False)
    archived = models.BooleanField(default=False)
    # Hidden by a moderator: gone for everybody but staff, and for its owner until it is unhidden.
    hidden_at = models.DateTimeField(null=True, blank=True, editable=False)
    head = models.ForeignKey(
        "chat.Message", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    search = models.GeneratedField(
        expression=SearchWords("title"), output_field=SearchVectorField(), db_persist=True
    )

    objects = SearchedManager["Conversation"]()

    class Meta:
        indexes = [
            models.Index(
                fields=["user", "-pinned", "-updated_at", "-id"], name="conversation_listed"
            ),
            GinIndex(fields=["search"], name="conversation_search", fastupdate=False),
        ]
        constraints = [
            models.UniqueConstraint(fields=["user", "uuid"], name="conversation_uuid_unique")
        ]
        permissions = [
            ("read_private_conversation", "Can read the text of private conversations"),
            ("hide_conversation", "Can hide and unhide conversations"),
        ]

    def __str__(self) -> str:
        return self.title


class Role(models.TextChoices):
    USER = "user"
    ASSISTANT = "assistant"


class Message(models.Model):
    """One turn. Siblings (same parent) are branches made by regenerate and edit."""

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="children"
    )
    role = models.CharField(max_length=9, choices=Role)
    content = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    # Hidden by a moderator: the text stays here, and only staff see it.
    hidden_at = models.DateTimeField(null=True, blank=True, editable=False)
    search = models.GeneratedField(
        expression=SearchWords("content"), output_field=SearchVectorField(), db_persist=True
    )

    objects = SearchedManager["Message"]()

    class Meta:
        # With fastupdate a search reads what is not sorted in yet, up to 4 MB, and some unlucky
        # write sorts it in: 0.1 ms more for every write is the better price.
        indexes = [
            GinIndex(fields=["search"], name="message_search", fastupdate=False),
            BrinIndex(fields=["created_at"], name="message_time", pages_per_range=16),
            models.Index(
                fields=["conversation"],
                condition=Q(hidden_at__isnull=False),
                name="message_hidden",
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="message_role_known")
        ]
        permissions = [("hide_message", "Can hide and unhide messages")]

    def __str__(self) -> str:
        return f"{self.role} {self.pk}"

    @property
    def is_hidden(self) -> bool:
        return self.hidden_at is not None

    @property
    def shown_content(self) -> str:
        """The text as everybody but staff reads it."""
        return "" if self.is_hidden else self.content
