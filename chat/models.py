"""What EuGPT stores of a chat: conversations, their message trees, generations, opinions.

A conversation is a tree of messages linked by `parent`; `head` is the leaf that is shown.
A generation is one run that writes one assistant message; only services and the worker change
its status, by compare-and-set.
"""

import uuid
from typing import TypeVar

from django.conf import settings
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.request_ids import MAX_CHARS as REQUEST_ID_MAX_CHARS
from accounts.request_ids import request_id
from chat.safety.models import SafetyRule as SafetyRule  # a model of this app
from chat.search import SearchWords

TITLE_MAX_CHARS = 120
DEFAULT_TITLE = "New chat"
SLUG_MAX_CHARS = 32

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


class Status(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


class FinishReason(models.TextChoices):
    NONE = "", "-"
    STOP = "stop"
    LENGTH = "length"
    CANCELLED = "cancelled"
    ERROR = "error"
    FILTERED = "filtered"


UNFINISHED = (Status.QUEUED, Status.RUNNING)


class Generation(models.Model):
    """One run producing one assistant message. A guest's has no message, conversation or user."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    message = models.OneToOneField(
        Message, null=True, blank=True, on_delete=models.CASCADE, related_name="generation"
    )
    conversation = models.ForeignKey(
        Conversation, null=True, blank=True, on_delete=models.CASCADE, related_name="generations"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="generations",
    )
    # "u:<user id>" or "g:<hash of the guest's secret>"
    owner_key = models.CharField(max_length=80)
    client_id = models.CharField(max_length=64, null=True, blank=True)
    # The request that asked for it, as log lines name it.
    request_id = models.CharField(
        max_length=REQUEST_ID_MAX_CHARS, blank=True, default=request_id, db_default=""
    )
    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED)
    finish_reason = models.CharField(
        max_length=9, choices=FinishReason, default=FinishReason.NONE, blank=True
    )
    error_code = models.CharField(max_length=40, blank=True, default="")
    # {category, text} of the safety rule that replaced the reply
    notice = models.JSONField(null=True, blank=True)
    params = models.JSONField(default=dict, blank=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    worker_id = models.CharField(max_length=80, blank=True, default="")
    model = models.CharField(max_length=80, blank=True, default="")
    # Of its checkpoint: to another one of the same name its ids mean nothing.
    model_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="")
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    context_trimmed = models.PositiveIntegerField(default=0)
    # The reply that this one goes on with: its text is this one's beginning.
    continues = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="continuations"
    )
    # How many tokens of its trace the reply begins with: it branches off there, or goes on.
    begun_tokens = models.PositiveIntegerField(default=0, db_default=0)
    # Set with the end. It stands here so that lists know without looking into the trace.
    has_trace = models.BooleanField(default=False, db_default=False)
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    first_token_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["status", "queued_at"], name="generation_queue"),
            # What happened lately. Rows come in the order of time, so that a few pages suffice.
            BrinIndex(fields=["queued_at"], name="generation_time", pages_per_range=16),
            models.Index(
                fields=["owner_key"],
                condition=Q(status__in=UNFINISHED),
                name="generation_unfinished_owner",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["owner_key", "client_id"],
                condition=Q(client_id__isnull=False),
                name="generation_client_id_unique",
            ),
            models.UniqueConstraint(
                fields=["conversation"],
                condition=Q(status__in=UNFINISHED, conversation__isnull=False),
                name="generation_one_unfinished",
            ),
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="generation_status_known"
            ),
            models.CheckConstraint(
                condition=Q(finish_reason__in=FinishReason.values),
                name="generation_finish_reason_known",
            ),
        ]
        permissions = [
            ("cancel_generation", "Can stop replies that wait or are written"),
            ("requeue_generation", "Can queue replies anew"),
        ]

    def __str__(self) -> str:
        return f"{self.id} ({self.status})"


class Trace(models.Model):
    """What the model thought at each token of a reply; up to 45 kB, so no list reads it.

    `tokens`: [id, text, logprob, [[id, text, logprob], ...]] for each token, likeliest first.
    """

    generation = models.OneToOneField(
        Generation, primary_key=True, on_delete=models.CASCADE, related_name="trace"
    )
    tokens = models.JSONField()

    def __str__(self) -> str:
        return f"trace of {self.generation_id}"


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


COMMENT_MAX_CHARS = 2000


class Rating(models.TextChoices):
    UP = "up"
    DOWN = "down"


class Feedback(models.Model):
    """What a reader thinks of a reply."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="feedbacks")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="feedbacks"
    )
    rating = models.CharField(max_length=4, choices=Rating)
    comment = models.CharField(max_length=COMMENT_MAX_CHARS, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "feedback"
        constraints = [
            models.UniqueConstraint(fields=["message", "user"], name="feedback_once"),
            models.CheckConstraint(
                condition=Q(rating__in=Rating.values), name="feedback_rating_known"
            ),
        ]
        permissions = [("export_feedback", "Can export feedback for training")]

    def __str__(self) -> str:
        return f"{self.rating} {self.pk}"


class ReportReason(models.TextChoices):
    HARMFUL = "harmful"
    HATEFUL = "hateful"
    SEXUAL = "sexual"
    PRIVATE = "private"
    WRONG = "wrong"
    OTHER = "other"


class ReportState(models.TextChoices):
    OPEN = "open"
    DISMISSED = "dismissed"
    ACTED = "acted"


class Report(models.Model):
    """A message that should be looked at: a reader finds so, or a safety rule (then of `author`).

    It outlives the message, not the reporter or author. `text` is what stood there when it was
    reported last; `note` is the moderators'.
    """

    message = models.ForeignKey(
        Message, null=True, blank=True, on_delete=models.SET_NULL, related_name="reports"
    )
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="reports",
    )
    rule = models.ForeignKey(
        SafetyRule, null=True, blank=True, on_delete=models.SET_NULL, related_name="reports"
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    reason = models.CharField(max_length=8, choices=ReportReason)
    comment = models.CharField(max_length=COMMENT_MAX_CHARS, blank=True, default="")
    text = models.TextField(blank=True)
    state = models.CharField(max_length=9, choices=ReportState, default=ReportState.OPEN)
    note = models.TextField(blank=True, default="")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["state", "-updated_at"], name="report_listed")]
        constraints = [
            models.UniqueConstraint(fields=["message", "reporter"], name="report_once"),
            models.UniqueConstraint(fields=["message", "rule"], name="report_once_a_rule"),
            models.CheckConstraint(
                condition=Q(reason__in=ReportReason.values), name="report_reason_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ReportState.values), name="report_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reason} {self.pk}"
