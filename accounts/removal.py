"""Deleting an account with everything that belongs to it, in every store."""

import logging
from functools import partial

import redis.exceptions
from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session as AdminSession
from django.db import OperationalError, transaction
from psycopg.errors import DeadlockDetected
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from accounts.belongings import belongings
from accounts.errors import NotAuthenticated, WrongPassword
from accounts.limits import limits_forget
from accounts.models import User
from accounts.services import password_check
from accounts.sessions import sessions_tell

logger = logging.getLogger(__name__)

_ATTEMPTS = 3


def account_delete(*, user: User, password: str) -> None:
    """Delete the user who confirms it with the password; raises WrongPassword, RateLimited."""
    password_check(user=user, password=password)
    account_erase(user=user)


def account_erase(*, user: User) -> None:
    """Delete the user and everything of theirs: all of it or, when it fails, nothing.

    What runs is stopped first. A prompt that comes at this very moment may hold rows in another
    order: PostgreSQL ends such a knot, and it is tried again. Raises NotAuthenticated when the user
    has gone, WrongPassword when the password is another one meanwhile.
    """
    for part in belongings():
        part.stop(user)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _erase(user)
            break
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected) or attempt == _ATTEMPTS:
                raise


@transaction.atomic
def _erase(user: User) -> None:
    for part in belongings():
        part.delete(user)
    # From here on nothing new can refer to the user.
    locked = User.objects.select_for_update().filter(pk=user.pk).first()
    if locked is None:
        raise NotAuthenticated
    if locked.password != user.password:
        raise WrongPassword
    for part in belongings():
        part.delete(user)  # what came in between
    OutstandingToken.objects.filter(user=user).delete()  # they would only lose their user
    _unname(locked)
    _end_admin_sessions(locked)
    locked.delete()
    sessions_tell(user_id=user.pk)
    transaction.on_commit(partial(_forget_limits, f"u:{user.pk}"))


def _unname(user: User) -> None:
    """What moderators did to the account stays on record, without the name."""
    about = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(User), object_id=str(user.pk)
    )
    about.update(object_repr=f"deleted user {user.pk}")


def _end_admin_sessions(user: User) -> None:
    """Only staff have any. Whose a session is stands in its signed data alone."""
    for session in AdminSession.objects.iterator():
        if session.get_decoded().get(SESSION_KEY) == str(user.pk):
            session.delete()


def _forget_limits(key: str) -> None:
    try:
        limits_forget(key=key)
    except redis.exceptions.RedisError:
        logger.warning("the limits of a deleted user end by themselves", exc_info=True)
