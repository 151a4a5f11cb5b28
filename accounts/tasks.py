"""Scheduled upkeep of accounts, and their mails."""

import random
import smtplib
from threading import BoundedSemaphore
from typing import Any

from celery import shared_task
from django.core.mail import EmailMessage

from accounts.email_links import LinkKind
from accounts.email_mails import mail_for, notice_mail
from accounts.models import Notice, User
from accounts.suspension import suspensions_lift
from accounts.upkeep import leftovers_prune


@shared_task
def lift_suspensions() -> None:
    """Let those in again whose suspension is over. Safe to run twice."""
    suspensions_lift()


@shared_task
def prune() -> None:
    """Delete what all apps keep for a time only. Safe to run twice."""
    leftovers_prune()


# All tasks of this process share four threads, the reaper's among them: a mail server that does not
# answer holds two at most.
_SENDING = BoundedSemaphore(2)
_MAIL_RETRIES = 5
_MAIL_RETRY_S = 15
_BUSY_S = 10


def _sent(mail: EmailMessage) -> str:
    """Send it; returns the name of what failed, or "". The error itself would bring the address
    into the traceback of whatever is raised next.
    """
    try:
        mail.send()
    except (smtplib.SMTPException, OSError) as error:
        return type(error).__name__
    return ""


def _deliver(task: Any, mail: EmailMessage) -> bool:
    """Send it for this task; returns whether it is sent, or the task was queued anew to wait for
    other mails, which costs none of its tries. Raises for the next try, and MailNotSent at last.
    """
    retries = task.request.retries
    if not _SENDING.acquire(blocking=False):
        # Not all at the same moment: only two of them would be sent then.
        wait_s = random.uniform(1, _BUSY_S)
        task.apply_async(args=tuple(task.request.args), countdown=wait_s, retries=retries)
        return False
    try:
        failure = _sent(mail)
    finally:
        _SENDING.release()
    if failure:
        raise task.retry(exc=MailNotSent(failure), countdown=_MAIL_RETRY_S * 2**retries)
    return True


class MailNotSent(Exception):
    """Says what kind of failure it was: the mail server's own words may name the address."""


@shared_task(bind=True, max_retries=_MAIL_RETRIES, ignore_result=True)
def mail_send(self: Any, kind: str, user_id: int) -> None:
    """Send the user a mail with a link, if there still is a reason; nobody has the id 0.

    Told of ids only: address and link are neither in the queue nor in a log. A mail server that
    does not take it is asked again, 5 times within 8 minutes. Run twice it sends a second mail.
    """
    user = User.objects.filter(pk=user_id).first()
    mail = mail_for(kind=LinkKind(kind), user=user) if user is not None else None
    if mail is not None:
        _deliver(self, mail)


@shared_task(bind=True, max_retries=_MAIL_RETRIES, ignore_result=True)
def notice_send(self: Any, notice_id: int) -> None:
    """Tell an owner what has changed, as `mail_send` does; once it is sent there is no notice."""
    notice = Notice.objects.select_related("user").filter(pk=notice_id).first()
    if notice is not None and _deliver(self, notice_mail(notice)):
        notice.delete()
