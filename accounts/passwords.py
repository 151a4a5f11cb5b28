"""What goes with a new password: all sessions but the one it was set in end, and an e-mail address
that was not yet confirmed is forgotten (whoever knew the old password may have named it). The one
that was confirmed is told.

`User.save` comes here, so that no way of setting a password can forget it: the API, the link in a
mail, the admin's form, `changepassword`. Only `QuerySet.update` passes by; nothing may use that.
"""

from collections.abc import Callable

from django.db import transaction

from accounts.models import NoticeKind, User
from accounts.notices import notice_queue
from accounts.tokens import tokens_end_all


@transaction.atomic
def password_save(*, user: User, save: Callable[[], None]) -> None:
    """Save the user and, if the password is another one than in the row, end the sessions.

    The version of the tokens is taken from the row: a copy of the user that was read some time ago
    would bring ended tokens back.
    """
    rows = User.objects.select_for_update(no_key=True).filter(pk=user.pk)
    stored = rows.values("password", "token_version", "email").first()
    if stored is not None:
        user.token_version = stored["token_version"]
    save()
    if stored is None or stored["password"] == user.password:
        return
    user.pending_email, user.pending_email_at = "", None
    user.save(update_fields=["pending_email", "pending_email_at"])
    tokens_end_all(user=user, keep=user.session_id)
    notice_queue(user=user, kind=NoticeKind.PASSWORD, email=stored["email"])
