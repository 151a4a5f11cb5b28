"""What readers say of replies: feedback, and reports to the moderators."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from chat.models.conversations import Message
from chat.safety.models import SafetyRule as SafetyRule  # a model of this app

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
