"""The queue of reports: grouped, read with context, decided once, by roles."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import transaction
from django.test import Client

from accounts.models import User
from accounts.store import redis_client
from chat.delivery import streams
from chat.models import Generation, Message, Report, ReportReason, ReportState, Status
from chat.services.hiding import message_hide
from chat.services.opinions import report_make
from chat.services.reports import AlreadyDecided, reports_decide
from moderation.models import AuditEntry
from tests.accounts.clients import user_make
from tests.chat.factories import conversation_make, exchange_make
from tests.moderation.people import staff_client, staff_make
from tests.support.races import in_thread

pytestmark = pytest.mark.django_db
REPORTS = "/admin/chat/report/"
XSS = "<script>alert('x')</script>"


@pytest.fixture
def moderator(db: None) -> User:
    return staff_make("mo", "moderator")


@pytest.fixture
def desk(moderator: User) -> Client:
    return staff_client(moderator)


@pytest.fixture
def reply(db: None) -> Message:
    conversation = conversation_make(user_make("ana"), XSS)
    exchange_make(conversation, f"before {XSS}", "Fine.")
    return exchange_make(conversation, "tell me", f"bad words {XSS}")


@pytest.fixture
def report(reply: Message) -> Report:
    user = reply.conversation.user
    made, _ = report_make(
        user=user, message_id=reply.pk, reason=ReportReason.HATEFUL, comment=f"look {XSS}"
    )
    return made


def _decide(desk: Client, report: Report, what: str, note: str = "") -> str:
    address = f"{REPORTS}{report.pk}/decide/"
    return desk.post(address, {"do": what, "note": note}, follow=True).content.decode()


def _actions() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def test_the_queue_shows_what_is_open_oldest_first_as_one_matter(
    desk: Client, report: Report, reply: Message
) -> None:
    Report.objects.create(
        message=reply, reason=ReportReason.HARMFUL, author=reply.conversation.user
    )
    gone = Report.objects.create(message=None, reason=ReportReason.OTHER, text="gone", author=None)
    matters = desk.get(REPORTS).context["matters"]
    assert [len(matter.reports) for matter in matters] == [2, 1]
    assert matters[1].first == gone
    assert _actions() == []  # the queue shows what was sent to the moderators, no conversation


def test_the_dashboard_leads_to_what_is_open(desk: Client, report: Report) -> None:
    page = desk.get("/admin/").content.decode()
    assert f'href="{REPORTS}?state=open"' in page


def test_every_text_is_escaped(desk: Client, report: Report, reply: Message) -> None:
    chat = f"/admin/chat/conversation/{reply.conversation_id}/change/"
    for address in (REPORTS, f"{REPORTS}{report.pk}/change/", chat, f"{chat}?find=script"):
        page = desk.get(address).content.decode()
        assert "&lt;script&gt;alert" in page
        assert "<script>alert" not in page


def test_reading_a_report_in_context_is_written_down_once(desk: Client, report: Report) -> None:
    for _ in range(2):
        page = desk.get(f"{REPORTS}{report.pk}/change/").content.decode()
    assert "before" in page
    assert _actions() == ["conversation.read"]


@pytest.mark.parametrize(
    ("what", "state", "acts"),
    [
        ("dismiss", "dismissed", ["report.dismiss"]),
        ("acted", "acted", ["report.acted"]),
        ("hide_message", "acted", ["report.acted", "message.hide"]),
        ("hide_conversation", "acted", ["report.acted", "conversation.hide"]),
    ],
)
def test_one_button_decides(
    desk: Client, report: Report, reply: Message, what: str, state: str, acts: list[str]
) -> None:
    _decide(desk, report, what, note="seen")
    report.refresh_from_db()
    assert (report.state, report.note) == (state, "seen")
    assert report.decided_by is not None
    assert report.decided_by.username == "mo"
    reply.refresh_from_db()
    assert reply.is_hidden == (what == "hide_message")
    assert (reply.conversation.hidden_at is not None) == (what == "hide_conversation")
    assert _actions() == acts


def test_what_was_hidden_with_it_is_written_down_and_nothing_twice(
    desk: Client, report: Report, reply: Message
) -> None:
    longer = exchange_make(reply.conversation, "go on", "bad words and more")
    Generation.objects.filter(message=longer).update(continues=reply.generation)
    _decide(desk, report, "hide_message")
    entry = AuditEntry.objects.get(action="message.hide")
    assert entry.detail == {"hidden": [reply.pk, longer.pk]}
    Report.objects.filter(pk=report.pk).update(state=ReportState.OPEN)
    _decide(desk, report, "hide_message")
    assert AuditEntry.objects.filter(action="message.hide").count() == 1
    for _ in range(2):
        Report.objects.filter(pk=report.pk).update(state=ReportState.OPEN)
        _decide(desk, report, "hide_conversation")
    assert AuditEntry.objects.filter(action="conversation.hide").count() == 1


def test_a_decision_that_fails_stops_no_reply(desk: Client, report: Report, reply: Message) -> None:
    """Redis is asked when the decision stands, not while it may still fall."""
    rows = Generation.objects.filter(message=reply)
    rows.update(status=Status.QUEUED, finish_reason="")
    with transaction.atomic():
        message_hide(message=reply)
        assert rows.get().status == Status.QUEUED
        transaction.set_rollback(True)
    assert not redis_client().exists(streams.control_key(str(rows.get().pk)))


def test_the_second_moderator_is_told_that_it_is_done(desk: Client, report: Report) -> None:
    _decide(desk, report, "dismiss")
    late = staff_client(staff_make("ina", "moderator"))
    assert "decided this already" in _decide(late, report, "hide_message")
    report.refresh_from_db()
    assert report.state == ReportState.DISMISSED
    assert report.message is not None
    assert not report.message.is_hidden
    form = {"ids": str(report.message.conversation.user_id), "report": str(report.pk)}
    late.post("/admin/accounts/user/suspend/", form | {"reason": "bad", "length": "day"})
    assert not User.objects.filter(is_active=False).exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_who_decide_at_once_one_does(report: Report, moderator: User) -> None:
    def decide() -> bool:
        try:
            reports_decide(
                reports=Report.objects.filter(pk=report.pk), state=ReportState.ACTED, by=moderator
            )
        except AlreadyDecided:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        made = [in_thread(pool, decide) for _ in range(6)]
    assert sorted(future.result() for future in made) == [False] * 5 + [True]


def test_suspending_the_author_decides_the_report(desk: Client, report: Report) -> None:
    assert report.message is not None
    author = report.message.conversation.user
    address = f"/admin/accounts/user/suspend/?ids={author.pk}&report={report.pk}"
    assert "Content that is hateful." in desk.get(address).content.decode()
    form = {"ids": str(author.pk), "report": str(report.pk), "reason": "hate", "length": "ever"}
    desk.post("/admin/accounts/user/suspend/", form)
    report.refresh_from_db()
    author.refresh_from_db()
    assert (report.state, author.is_active) == (ReportState.ACTED, False)
    assert _actions() == ["report.acted", "user.suspend"]


def test_many_are_dismissed_at_once(desk: Client, report: Report) -> None:
    other = Report.objects.create(message=None, reason=ReportReason.OTHER)
    desk.post(f"{REPORTS}dismiss/", {"ids": [report.pk, other.pk, "x", "999999"]})
    assert not Report.objects.filter(state=ReportState.OPEN).exists()
    again = desk.post(f"{REPORTS}dismiss/", {"ids": [report.pk]}, follow=True)
    assert "decided already" in again.content.decode()


def test_an_operator_neither_reads_nor_decides(report: Report) -> None:
    operator = staff_client(staff_make("op", "operator"))
    assert operator.get(REPORTS).status_code == 403
    assert operator.get(f"{REPORTS}{report.pk}/change/").status_code == 403
    assert operator.post(f"{REPORTS}{report.pk}/decide/", {"do": "dismiss"}).status_code == 403
    assert operator.post(f"{REPORTS}dismiss/", {"ids": [report.pk]}).status_code == 403
    report.refresh_from_db()
    assert report.state == ReportState.OPEN
