"""The rows of safety rules. `chat.models` has them; how they are read is in `chat.safety.rules`."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

RULE_NAME_MAX_CHARS = 80
RULE_TEXT_MAX_CHARS = 4000
REPLY_TEXT_MAX_CHARS = 2000
NOTICE_MAX_CHARS = 500


class Category(models.TextChoices):
    CRISIS = "crisis", "Crisis (danger to oneself)"
    HATE = "hate", "Hate"
    SEXUAL = "sexual", "Sexual"
    VIOLENCE = "violence", "Violence"
    PRIVATE = "private", "Private data"
    ILLEGAL = "illegal", "Illegal"
    OTHER = "other", "Other"


class Kind(models.TextChoices):
    PHRASE = "phrase", "Phrases"
    PATTERN = "pattern", "Pattern"


class AppliesTo(models.TextChoices):
    PROMPTS = "prompts", "Prompts"
    REPLIES = "replies", "Replies"
    BOTH = "both", "Prompts and replies"


class Action(models.TextChoices):
    REFUSE = "refuse", "Refuse"
    REPLACE = "replace", "Replace the reply"
    FLAG = "flag", "Flag for moderators"


class SafetyRule(models.Model):
    """Words to look for, and what follows. `updated_at` moves with what it says, not with hits."""

    name = models.CharField(max_length=RULE_NAME_MAX_CHARS, unique=True)
    category = models.CharField(max_length=8, choices=Category)
    kind = models.CharField(max_length=7, choices=Kind, default=Kind.PHRASE)
    # Phrases, one a line; or one pattern.
    text = models.TextField(max_length=RULE_TEXT_MAX_CHARS)
    applies_to = models.CharField(max_length=7, choices=AppliesTo, default=AppliesTo.PROMPTS)
    action = models.CharField(max_length=7, choices=Action, default=Action.FLAG)
    reply_text = models.TextField(max_length=REPLY_TEXT_MAX_CHARS, blank=True, default="")
    notice = models.TextField(max_length=NOTICE_MAX_CHARS, blank=True, default="")
    is_enabled = models.BooleanField("enabled", default=True)
    hits = models.PositiveBigIntegerField(default=0, editable=False)
    last_hit_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(category__in=Category.values), name="safety_category_known"
            ),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="safety_kind_known"),
            models.CheckConstraint(
                condition=Q(applies_to__in=AppliesTo.values), name="safety_applies_to_known"
            ),
            models.CheckConstraint(
                condition=Q(action__in=Action.values), name="safety_action_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name
