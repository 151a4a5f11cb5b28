"""Reads of accounts."""

from django.db.models.functions import Lower

from accounts.models import User


def user_by_username(*, username: str) -> User | None:
    """The user of this name in any spelling of its case."""
    try:
        return User.objects.get_by_natural_key(username)
    except User.DoesNotExist:
        return None


def user_by_email(*, email: str) -> User | None:
    """The user who has confirmed this address, in any spelling of its case."""
    lowered = User.objects.exclude(email="").alias(email_lower=Lower("email"))
    return lowered.filter(email_lower=email.lower()).first()
