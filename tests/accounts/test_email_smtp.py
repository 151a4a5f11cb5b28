"""Mails over a real SMTP server: they arrive, or are tried again, and no log tells of them."""

import logging
import socket
from collections.abc import Iterator
from email import message_from_bytes
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from accounts.tasks import _SENDING, MailNotSent, mail_send
from eugpt.email_url import email_settings, email_url_check
from tests.accounts.clients import user_make
from tests.support.tasks import tasks_queued, tasks_run

pytestmark = pytest.mark.django_db
ANAS = "ana@example.org"
USER, SECRET = "eu gpt", "p@ss:/word"
URL = "smtp://eu%20gpt:p%40ss%3A%2Fword@127.0.0.1:{port}"


class Mailbox:
    """Takes what comes, or says the line that it is told to."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.refusal = ""
        self.asked = 0

    async def handle_RCPT(  # noqa: N802  (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked += 1
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.taken.append(envelope)
        return "250 OK"


def _authenticator(*args: Any) -> AuthResult:
    data = args[-1]
    is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (
        USER.encode(),
        SECRET.encode(),
    )
    return AuthResult(success=is_right)


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    """A mail server on a free port, and the settings that lead to it."""
    box = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=port,
        authenticator=_authenticator,
        auth_require_tls=False,
    )
    controller.start()
    for name, value in email_settings(email_url_check(URL.format(port=port))).items():
        setattr(settings, name, value)
    yield box
    controller.stop()


def test_a_mail_arrives_with_sender_recipient_and_link(mailbox: Mailbox, settings: Any) -> None:
    settings.DEFAULT_FROM_EMAIL = "EuGPT <noreply@chat.example.org>"
    user = user_make("ana", email=ANAS)
    mail_send.apply(args=("reset", user.pk), throw=True)
    (envelope,) = mailbox.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("noreply@chat.example.org", [ANAS])
    assert isinstance(envelope.content, bytes)
    message = message_from_bytes(envelope.content)
    assert message["From"] == "EuGPT <noreply@chat.example.org>"
    assert message["To"] == ANAS
    assert message["Auto-Submitted"] == "auto-generated"
    body = message.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert "http://localhost:8000/reset/#token=" in body.decode()


def test_nothing_is_sent_to_nobody_or_without_a_reason(mailbox: Mailbox) -> None:
    user = user_make("ana")
    for args in (("reset", 0), ("verify", 0), ("reset", user.pk), ("verify", user.pk)):
        mail_send.apply(args=args, throw=True)
    assert mailbox.taken == []


def test_a_mail_that_is_not_taken_is_tried_again_with_limits(
    mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    """The last try fails for good; no line of the log has the address or the link."""
    user = user_make("ana", email=ANAS)
    mailbox.refusal = f"451 mailbox of {ANAS} is busy"
    with caplog.at_level(logging.DEBUG, logger="celery"):
        result = mail_send.apply(args=("reset", user.pk))
    assert isinstance(result.result, MailNotSent)
    assert mailbox.asked == 6
    assert "SMTPRecipientsRefused" in str(result.traceback)
    ours = [r.getMessage() + str(r.exc_text) for r in caplog.records if r.name != "mail.log"]
    assert any("mail_send" in line for line in ours)
    for text in (*ours, str(result.traceback)):
        assert "example.org" not in text
        assert "token" not in text


def test_it_arrives_when_the_server_is_back(mailbox: Mailbox) -> None:
    user = user_make("ana", email=ANAS)
    mailbox.refusal = "451 later"

    assert isinstance(mail_send.apply(args=("reset", user.pk)).result, MailNotSent)
    mailbox.refusal = ""
    mail_send.apply(args=("reset", user.pk), throw=True)
    assert len(mailbox.taken) == 1


def test_a_mail_that_only_waits_for_others_is_not_given_up(mailbox: Mailbox) -> None:
    """Of a hundred at once two are sent at a time: to wait is no failure of the mail server."""
    user = user_make("ana", email=ANAS)
    tasks_run()
    with _SENDING, _SENDING:
        for _ in range(10):
            mail_send.apply(args=("reset", user.pk), throw=True)
    assert [args for _, args in tasks_queued()] == [["reset", user.pk]] * 10
    assert set(tasks_run()) == {"accounts.tasks.mail_send"}
    assert len(mailbox.taken) == 10


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", ("mail.example", 25, "", "", False, False)),
        ("smtp://u:p@h.example:587?tls=starttls", ("h.example", 587, "u", "p", True, False)),
        ("smtps://u:p%40@h.example", ("h.example", 465, "u", "p@", False, True)),
    ],
)
def test_urls_become_settings(url: str, expected: tuple[Any, ...]) -> None:
    found = email_settings(email_url_check(url))
    names = ("HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL")
    assert tuple(found[f"EMAIL_{name}"] for name in names) == expected


@pytest.mark.parametrize(
    "url",
    [
        "mail.example", "http://mail.example", "smtp://", "smtp://h?tls=no", "smtp://h/path",
        "smtps://h?tls=starttls", "smtp://h?starttls", "smtp://h:99999", "smtp://u:p@h.example",
        "console", "on",
    ],
)  # fmt: skip
def test_urls_that_cannot_be_used_are_refused(url: str) -> None:
    with pytest.raises(ValueError):
        email_url_check(url)


def test_no_url_is_no_mail_and_the_console_is_for_development() -> None:
    assert email_settings("") == email_settings("off") == {}
    assert email_settings("console:")["EMAIL_BACKEND"].endswith("console.EmailBackend")
