"""The mails that EuGPT sends: their words, and sending one. Nothing of them is ever logged.

A mail to an address that is not confirmed has no word in it that a user has chosen: nobody can say
something to strangers through it.
"""

from django.core.mail import EmailMessage

from accounts.email_links import LIFETIMES, LinkKind, link_make
from accounts.models import Notice, NoticeKind, User
from accounts.selectors import user_by_email

_VERIFY = """\
Hello,

somebody, probably you, wants to use this address for an account at EuGPT. To confirm it, open:

{link}

The link is good for {hours} hours. If it was not you, do nothing: the address is not used.
"""

_TAKEN = """\
Hello,

somebody, probably you, wants to use this address for an account at EuGPT. It already belongs to
another account there, so nothing has changed. If you do not remember its password, choose
"Forgot your password?" where you sign in.
"""

_RESET = """\
Hello {name},

somebody, probably you, has forgotten the password of your account at EuGPT. To set a new one, open:

{link}

The link is good for {hours} hour. If it was not you, do nothing: your password stays as it is.
"""

_PASSWORD_CHANGED = """\
Hello {name},

the password of your account at EuGPT was changed. If it was you, all is well.

If it was not you, set a new one now: choose "Forgot your password?" where you sign in. That signs
out whoever is in, and revokes all API keys.
"""

_EMAIL_CHANGED = """\
Hello {name},

this is no longer the e-mail address of your account at EuGPT: it was changed or removed, and
nothing more about the account will come here. If it was you, all is well.

If it was not you, somebody knows your password: sign in, change it and revoke the API keys in the
settings. If you cannot get in any more, ask those who run the site where you sign in.
"""

_NOTICES = {
    NoticeKind.PASSWORD: ("Your password at EuGPT was changed", _PASSWORD_CHANGED),
    NoticeKind.EMAIL: ("Your e-mail address at EuGPT was changed", _EMAIL_CHANGED),
}


def notice_mail(notice: Notice) -> EmailMessage:
    """To who owned the account when it happened. No link: such mails are what forgers imitate."""
    subject, body = _NOTICES[NoticeKind(notice.kind)]
    return _mail(subject, body.format(name=notice.user.username), notice.email)


def mail_for(*, kind: LinkKind, user: User) -> EmailMessage | None:
    """The mail to send now; None when there is no reason for it any more."""
    if kind is LinkKind.RESET:
        return _reset(user) if user.email and user.is_active else None
    return _verify(user) if user.pending_email else None


def _verify(user: User) -> EmailMessage:
    """To an address that another account has confirmed goes a note: the caller learns nothing."""
    holder = user_by_email(email=user.pending_email)
    if holder is not None and holder.pk != user.pk:
        return _mail("Your e-mail address at EuGPT", _TAKEN, user.pending_email)
    body = _VERIFY.format(link=link_make(kind=LinkKind.VERIFY, user=user), hours=_hours("verify"))
    return _mail("Confirm your e-mail address at EuGPT", body, user.pending_email)


def _reset(user: User) -> EmailMessage:
    link = link_make(kind=LinkKind.RESET, user=user)
    body = _RESET.format(name=user.username, link=link, hours=_hours("reset"))
    return _mail("Set a new password at EuGPT", body, user.email)


def _mail(subject: str, body: str, to: str) -> EmailMessage:
    # No out-of-office note should answer it.
    return EmailMessage(subject, body, to=[to], headers={"Auto-Submitted": "auto-generated"})


def _hours(kind: str) -> int:
    return int(LIFETIMES[LinkKind(kind)].total_seconds() // 3600)
