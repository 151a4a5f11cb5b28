"""The user of EuGPT: a name and a password, nothing else that identifies a person; also sessions
and API keys.
"""

import uuid
from typing import ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.validators import MinLengthValidator, RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

USERNAME_MIN_CHARS = 3
USERNAME_MAX_CHARS = 32
SUSPENSION_REASON_MAX_CHARS = 300


class CaseInsensitiveUserManager(UserManager["User"]):
    """Finds "Ana" for "ana", in the admin's login as in the API."""

    def get_by_natural_key(self, username: str | None) -> "User":
        lowered = self.alias(username_lower=Lower("username"))
        return lowered.get(username_lower=(username or "").lower())


class User(AbstractUser):
    """An account. `is_active=False` means suspended, for ever or until `suspended_until`
    (`accounts.suspension`).

    Every token carries `token_version`; raising it ends all sessions at once.
    """

    username = models.CharField(
        max_length=USERNAME_MAX_CHARS,
        unique=True,
        validators=[
            MinLengthValidator(USERNAME_MIN_CHARS),
            RegexValidator(
                r"\A[A-Za-z0-9_.-]+\Z", "Use letters, digits and the characters _ . - only."
            ),
        ],
        error_messages={"unique": "This username is taken."},
    )
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    token_version = models.PositiveIntegerField(default=0, editable=False)
    suspended_at = models.DateTimeField(null=True, blank=True, editable=False)
    suspended_until = models.DateTimeField(null=True, blank=True, editable=False, db_index=True)
    # The user reads it.
    suspension_reason = models.CharField(
        max_length=SUSPENSION_REASON_MAX_CHARS, blank=True, default="", editable=False
    )
    # What the page wishes for this user; its shape is `accounts.api.preferences`.
    settings = models.JSONField(default=dict, blank=True, editable=False)

    # Not stored: of the token that a request came with.
    session_id: uuid.UUID | None = None

    REQUIRED_FIELDS = []

    objects: ClassVar[CaseInsensitiveUserManager] = CaseInsensitiveUserManager()

    class Meta(AbstractUser.Meta):
        swappable = "AUTH_USER_MODEL"
        permissions = [("suspend_user", "Can suspend users and let them in again")]
        constraints = [
            models.UniqueConstraint(
                Lower("username"),
                name="user_username_lower_unique",
                violation_error_message="This username is taken.",
            )
        ]

    def get_full_name(self) -> str:
        return self.username

    def get_short_name(self) -> str:
        return self.username


USER_AGENT_MAX_CHARS = 256


class Session(models.Model):
    """A sign-in that goes on: all tokens that came of it name its id. To end it is to delete it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    created_at = models.DateTimeField(default=timezone.now)
    # Of the newest tokens, so accurate to about their ten minutes.
    last_seen_at = models.DateTimeField(default=timezone.now, db_index=True)
    user_agent = models.CharField(max_length=USER_AGENT_MAX_CHARS, blank=True, default="")

    def __str__(self) -> str:
        return f"session {self.pk}"


KEY_NAME_MAX_CHARS = 60


class ApiKey(models.Model):
    """A key for `/v1`. Only the hash is stored: the key itself is shown once, when it is made."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=KEY_NAME_MAX_CHARS)
    prefix = models.CharField(max_length=16)
    key_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
