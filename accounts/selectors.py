"""Reads of accounts."""

from accounts.models import User


def user_by_username(*, username: str) -> User | None:
    """The user of this name in any spelling of its case."""
    try:
        return User.objects.get_by_natural_key(username)
    except User.DoesNotExist:
        return None
