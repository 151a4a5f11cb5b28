"""What changes an account."""

import logging
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

import redis.exceptions
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.belongings import belongings
from accounts.errors import Invalid, InvalidCredentials, UsernameTaken, WrongPassword
from accounts.hints import SUSPENDED_HINT, user_hint
from accounts.limits import limit_hit
from accounts.models import SUSPENSION_REASON_MAX_CHARS, User
from accounts.selectors import user_by_username
from accounts.sessions import user_lock
from accounts.suspension import LIFTED, suspension_check
from accounts.tokens import TokenPair, tokens_end_all, tokens_go_on

logger = logging.getLogger(__name__)


def user_register(*, username: str, password: str) -> User:
    """Create an account from validated input; raises UsernameTaken. One transaction."""
    if user_by_username(username=username) is not None:
        raise UsernameTaken
    try:
        with transaction.atomic():
            return User.objects.create_user(username=username, password=password)
    except IntegrityError:
        raise UsernameTaken from None


def user_update(
    *,
    user: User,
    username: str | None = None,
    settings: Mapping[str, Any] | None = None,
    may_train: bool | None = None,
) -> User:
    """Set a validated name, the consent to training, and those parts of the settings that are
    given; an empty part is removed. Raises UsernameTaken. One transaction: nothing or all of it.
    """
    with transaction.atomic():
        user = user_lock(user_id=user.pk)
        if username is not None and username != user.username:
            _rename(user, username)
        if settings:
            merged = {**user.settings, **settings}
            user.settings = {name: part for name, part in merged.items() if part}
            user.save(update_fields=["settings"])
        if may_train is not None:
            user.may_train = may_train
            user.save(update_fields=["may_train"])
    return user


def _rename(user: User, username: str) -> None:
    holder = user_by_username(username=username)
    if holder is not None and holder.pk != user.pk:
        raise UsernameTaken
    user.username = username
    try:
        with transaction.atomic():
            user.save(update_fields=["username"])
    except IntegrityError:
        raise UsernameTaken from None


def user_authenticate(*, username: str, password: str) -> User:
    """The user with this name and password; raises InvalidCredentials or Suspended.

    An unknown name costs one password hash, as a known one does, so time tells nothing.
    """
    user = user_by_username(username=username)
    if user is None:
        make_password(password)
        raise InvalidCredentials
    if not user.check_password(password):
        raise InvalidCredentials
    suspension_check(user)
    User.objects.filter(pk=user.pk).update(last_login=timezone.now())
    return user


def password_change(
    *, user: User, old_password: str, new_password: str, user_agent: str = ""
) -> TokenPair:
    """Set a validated password, end all other sessions, and go on in this one with new tokens.

    One transaction; of two changes at once, the second one's old password is wrong. Raises
    WrongPassword, and NotAuthenticated or Suspended when the session has ended meanwhile.
    """
    assert user.session_id is not None, "the user of a request that came with a token"
    password_check(user=user, password=old_password)
    hashed = make_password(new_password)  # a slow hash: not while others wait for the row
    with transaction.atomic():
        locked = user_lock(user_id=user.pk)
        suspension_check(locked)
        if locked.password != user.password:
            raise WrongPassword
        locked.password, locked.session_id = hashed, user.session_id
        locked.save(update_fields=["password"])  # ends the other sessions
        return tokens_go_on(user=locked, session_id=user.session_id, user_agent=user_agent)


def password_check(*, user: User, password: str) -> None:
    """The user's own word for something grave; raises WrongPassword, and RateLimited."""
    limit_hit(name="password", key=f"u:{user.pk}")
    if not user.check_password(password):
        raise WrongPassword


def sessions_end_all(*, user: User) -> None:
    """Sign the user out everywhere. One transaction."""
    with transaction.atomic():
        tokens_end_all(user=user_lock(user_id=user.pk))


def user_suspend(*, user: User, reason: str = "", until: datetime | None = None) -> None:
    """Lock the user out, for ever or until a moment: no sign-in, no keys; all sessions and sockets
    end, and what runs for the user stops. Of who is suspended already it sets reason and end anew.

    The user reads `reason`. One transaction; raises Invalid.
    """
    reason = "".join(filter(str.isprintable, " ".join(reason.split())))
    if len(reason) > SUSPENSION_REASON_MAX_CHARS:
        raise _invalid("reason", f"At most {SUSPENSION_REASON_MAX_CHARS} characters.")
    if until is not None and until <= timezone.now():
        raise _invalid("until", "This moment has passed.")
    with transaction.atomic():
        locked = user_lock(user_id=user.pk)
        suspended_at = timezone.now() if locked.is_active else locked.suspended_at
        fields = {
            "is_active": False,
            "suspended_at": suspended_at or timezone.now(),
            "suspended_until": until,
            "suspension_reason": reason,
        }
        _set_fields((locked, user), fields)
        tokens_end_all(user=locked)
        user.token_version = locked.token_version
        transaction.on_commit(partial(user_hint, user_id=user.pk, kind=SUSPENDED_HINT))
        transaction.on_commit(partial(_stop_all, user))


def user_reactivate(*, user: User) -> None:
    """Let a suspended user sign in again; ended sessions stay ended."""
    _set_fields((user,), LIFTED)


def _set_fields(copies: tuple[User, ...], fields: Mapping[str, Any]) -> None:
    """Write the fields to the row, and to these copies of it."""
    User.objects.filter(pk=copies[0].pk).update(**fields)
    for copy in copies:
        for name, value in fields.items():
            setattr(copy, name, value)


def _stop_all(user: User) -> None:
    try:
        for part in belongings():
            part.stop(user)
    except redis.exceptions.RedisError:
        logger.warning("what runs for a suspended user is stopped later", exc_info=True)


def _invalid(field: str, detail: str) -> Invalid:
    return Invalid(detail, fields={field: [detail]})
