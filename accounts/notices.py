"""Telling the owner of an account, by mail, what could have been somebody else's doing."""

from functools import partial

from django.conf import settings
from django.db import transaction

from accounts.models import Notice, NoticeKind, User
from accounts.tasks import notice_send


def notice_queue(*, user: User, kind: NoticeKind, email: str) -> None:
    """Write to `email`, which was confirmed, after the commit; to "" or where mail is off, nothing.

    What happened stands, whether or not somebody can be told: an error is only logged.
    """
    if not (email and settings.EMAIL_ENABLED):
        return
    notice = Notice.objects.create(user=user, kind=kind, email=email)
    transaction.on_commit(partial(notice_send.delay, notice.pk), robust=True)
