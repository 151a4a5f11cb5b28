"""The user of EuGPT: a name and a password and, who wants it, an e-mail address; also sessions and
API keys.
"""

import uuid
from functools import partial
from typing import Any, ClassVar

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import AbstractUser, UserManager
from django.core.validators import MinLengthValidator, RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

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
    # A verified address, or "". Another one waits until the link in a mail to it is used.
    email = models.EmailField(blank=True, default="", editable=False)
    pending_email = models.EmailField(blank=True, default="", editable=False)
    pending_email_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Consent: what the user says of replies may be used for training.
    may_train = models.BooleanField(default=False, editable=False)
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
            ),
            models.UniqueConstraint(
                Lower("email"), condition=~models.Q(email=""), name="user_email_lower_unique"
            ),
        ]

    def save(self, **kwargs: Any) -> None:
        """A password that is another one than before ends the sessions of the user, whoever set it
        and by whatever way.
        """
        fields = kwargs.get("update_fields")
        if self._state.adding or (fields is not None and "password" not in fields):
            super().save(**kwargs)
            return
        from accounts.passwords import password_save  # needs the models

        password_save(user=self, save=partial(super().save, **kwargs))

    def check_password(self, raw_password: str | None) -> bool:
        """Whether it is this one; a hash of older cost is made anew, which is no new password."""

        def upgrade(raw: str) -> None:
            before, self.password = self.password, make_password(raw)
            User.objects.filter(pk=self.pk, password=before).update(password=self.password)

        return check_password(raw_password, self.password, upgrade)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What an admin session holds on to: it ends with all others of the user."""
        value = f"{self.password}:{self.token_version}"
        return salted_hmac(
            "eugpt.admin-session", value, secret=secret, algorithm="sha256"
        ).hexdigest()

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


class NoticeKind(models.TextChoices):
    """What an owner is told of, in case that it was somebody else's doing."""

    PASSWORD = "password"
    EMAIL = "email"


class Notice(models.Model):
    """A mail that is to be sent, to the address that was confirmed when it happened: the account
    may have another one by now. Deleted once it is sent; the queue names its id only.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16, choices=NoticeKind)
    email = models.EmailField()
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"notice {self.pk}"
