"""Generations, and what the model thought while it wrote."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.request_ids import MAX_CHARS as REQUEST_ID_MAX_CHARS
from accounts.request_ids import request_id
from accounts.spans import MAX_CHARS as TRACEPARENT_MAX_CHARS
from accounts.spans import traceparent
from chat.models.conversations import Conversation, Message
from chat.safety.models import SafetyRule as SafetyRule  # a model of this app


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
    # Its place in the trace of that request; "" where nothing is traced.
    traceparent = models.CharField(
        max_length=TRACEPARENT_MAX_CHARS, blank=True, default=traceparent, db_default=""
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

    # No column: the database's clock minus this process's, as its claim has seen them.
    clock = timedelta(0)

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
