"""An account's e-mail address: set, confirmed, removed, and the way back to a lost password.

Nobody learns here whose an address is. The routes do the same work whatever the address, and queue
a task in every case; what is sent, if anything, the task decides (`accounts.tasks.mail_send`). Only
confirmed addresses are unique: to name somebody else's keeps it from nobody. Addresses reach
Redis only as keyed hashes.
"""

from functools import partial

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.email_links import LinkKind, link_user
from accounts.errors import EmailOff, Invalid, InvalidLink, RateLimited
from accounts.keys import keys_revoke_all
from accounts.limits import limit_hit
from accounts.models import NoticeKind, User
from accounts.notices import notice_queue
from accounts.selectors import user_by_email
from accounts.services import password_check
from accounts.sessions import user_lock
from accounts.tasks import mail_send

NOBODY = 0


def email_set(*, user: User, email: str, password: str) -> User:
    """Note the address and send a link to it; the one before stays until the link is used.

    Raises WrongPassword, RateLimited, EmailOff.
    """
    _check_enabled()
    password_check(user=user, password=password)
    limit_hit(name="email", key=f"u:{user.pk}")
    limit_hit(name="email_target", key=_hashed(email))
    with transaction.atomic():
        user = user_lock(user_id=user.pk)
        user.pending_email, user.pending_email_at = email, timezone.now()
        user.save(update_fields=["pending_email", "pending_email_at"])
        transaction.on_commit(partial(_queue, LinkKind.VERIFY, user.pk))
    return user


def email_remove(*, user: User, password: str) -> None:
    """Forget the address, confirmed or not; raises WrongPassword, RateLimited."""
    password_check(user=user, password=password)
    with transaction.atomic():
        user = user_lock(user_id=user.pk)
        notice_queue(user=user, kind=NoticeKind.EMAIL, email=user.email)
        user.email = user.pending_email = ""
        user.pending_email_at = None
        user.save(update_fields=["email", "pending_email", "pending_email_at"])


def email_verify(*, token: str) -> User:
    """The address that the link was sent to is the user's; raises InvalidLink.

    Also when another account has confirmed the same address meanwhile.
    """
    try:
        with transaction.atomic():
            user = link_user(kind=LinkKind.VERIFY, token=token)
            if not user.pending_email:
                raise InvalidLink
            if user.email.lower() != user.pending_email.lower():
                notice_queue(user=user, kind=NoticeKind.EMAIL, email=user.email)
            user.email, user.pending_email, user.pending_email_at = user.pending_email, "", None
            user.save(update_fields=["email", "pending_email", "pending_email_at"])
    except IntegrityError:
        raise InvalidLink from None
    return user


def password_forgot(*, email: str) -> None:
    """Send a link to set a new password, if an account has confirmed this address.

    Same work and no word of whether there is one. Raises EmailOff. An address that was written to
    often gets no more: the links that it has are still good.
    """
    _check_enabled()
    user = user_by_email(email=email)
    try:
        limit_hit(name="forgot_target", key=_hashed(email))
        limit_hit(name="forgot_target", key=f"u:{user.pk}" if user else f"n:{_hashed(email)}")
    except RateLimited:
        return
    _queue(LinkKind.RESET, user.pk if user else NOBODY)


def password_reset(*, token: str, new_password: str) -> User:
    """Set the password of whom the link was sent to, and end all sessions and API keys:
    whoever needs it may have lost more than the password. Starts no session.

    Failed sign-ins of before no longer count (`accounts.lockout`). Raises InvalidLink and, with the
    link still good, Invalid for a weak password.
    """
    with transaction.atomic():
        user = link_user(kind=LinkKind.RESET, token=token)
        if not user.email:
            raise InvalidLink
        try:
            validate_password(new_password, user)
        except ValidationError as error:
            raise Invalid(error.messages[0], fields={"new_password": error.messages}) from None
        user.set_password(new_password)
        user.save(update_fields=["password"])
        keys_revoke_all(user=user)
    return user


def _check_enabled() -> None:
    if not settings.EMAIL_ENABLED:
        raise EmailOff


def _queue(kind: LinkKind, user_id: int) -> None:
    mail_send.delay(kind.value, user_id)


def _hashed(email: str) -> str:
    return salted_hmac("eugpt.limit.email", email.lower(), algorithm="sha256").hexdigest()[:32]
