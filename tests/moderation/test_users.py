"""Users in the admin: suspended with a reason, let in, signed out; nobody above and not oneself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Session, User
from chat.generation.admission import prompt_count
from chat.generation.owner import Owner
from chat.models import Report, ReportReason
from chat.services.opinions import report_make
from moderation.models import AuditEntry
from tests.accounts.clients import client_for, error_of, user_make
from tests.chat.factories import conversation_make, exchange_make
from tests.moderation.people import staff_client, staff_make

pytestmark = pytest.mark.django_db
USERS = "/admin/accounts/user/"


@pytest.fixture
def moderator() -> User:
    return staff_make("mo", "moderator")


@pytest.fixture
def desk(moderator: User) -> Client:
    return staff_client(moderator)


def _suspend(desk: Client, users: list[User], **form: str) -> None:
    ids = ",".join(str(user.pk) for user in users)
    desk.post(f"{USERS}suspend/", {"ids": ids, "reason": "spam", "length": "week", **form})


def _actions() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def test_a_moderator_suspends_with_reason_and_end_and_lifts(desk: Client) -> None:
    ana = user_make("ana")
    api = client_for(ana)
    chosen = {"action": "suspend", "_selected_action": [ana.pk]}
    form = desk.post(USERS, chosen, follow=True)
    assert form.status_code == 200
    assert b"ana" in form.content
    _suspend(desk, [ana], reason="You sold <b>watches</b>.")
    refused = api.get("/api/auth/me")
    assert error_of(refused) == (403, "suspended")
    assert refused.json()["reason"] == "You sold <b>watches</b>."
    ana.refresh_from_db()
    assert ana.suspended_until is not None
    assert timedelta(days=6) < ana.suspended_until - timezone.now() < timedelta(days=8)
    page = desk.get(f"{USERS}{ana.pk}/change/").content.decode()
    assert "You sold &lt;b&gt;watches&lt;/b&gt;." in page
    desk.post(f"{USERS}{ana.pk}/do/lift/")
    ana.refresh_from_db()
    assert ana.is_active
    assert _actions() == ["user.suspend", "user.lift"]


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"reason": ""}, "reason"),
        ({"length": "moment", "until": ""}, "until"),
        ({"length": "moment", "until": "2001-01-01T00:00"}, "until"),
        ({"length": "century"}, "length"),
    ],
)
def test_a_wrong_form_suspends_nobody(desk: Client, form: dict[str, str], field: str) -> None:
    ana = user_make("ana")
    data = {"ids": str(ana.pk), "reason": "spam", "length": "week", **form}
    answer = desk.post(f"{USERS}suspend/", data)
    assert list(answer.context["form"].errors) == [field]
    ana.refresh_from_db()
    assert ana.is_active


def test_a_moderator_touches_neither_staff_nor_the_own_account(
    desk: Client, moderator: User
) -> None:
    above = [
        staff_make("boss", "admin"), staff_make("peer", "moderator"),
        user_make("root", is_staff=True, is_superuser=True), moderator,
    ]  # fmt: skip
    _suspend(desk, above)
    assert User.objects.filter(is_active=False).count() == 0
    for user in above:
        for verb in ("lift", "signout"):
            assert desk.post(f"{USERS}{user.pk}/do/{verb}/").status_code == 403
        assert desk.post(f"{USERS}{user.pk}/change/", {"username": "x"}).status_code == 403
        assert desk.post(f"{USERS}{user.pk}/delete/", {"post": "yes"}).status_code == 403
    versions = User.objects.values_list("token_version", flat=True)
    assert set(versions) == {0}
    assert _actions() == []


def test_only_admins_make_staff_and_only_superusers_superusers(desk: Client) -> None:
    ana, boss = user_make("ana"), staff_make("boss", "admin")
    form = {"username": "ana", "is_staff": "on", "is_superuser": "on"}
    assert desk.post(f"{USERS}{ana.pk}/change/", form).status_code == 403
    assert desk.get(f"{USERS}add/").status_code == 403
    office = staff_client(boss)
    assert office.post(f"{USERS}{ana.pk}/change/", form).status_code == 302
    ana.refresh_from_db()
    assert (ana.is_staff, ana.is_superuser) == (True, False)
    root = user_make("root", is_staff=True, is_superuser=True)
    assert office.post(f"{USERS}{root.pk}/change/", {"username": "x"}).status_code == 403
    own = {"username": "boss", "is_superuser": "on"}
    assert office.post(f"{USERS}{boss.pk}/change/", own).status_code == 302
    boss.refresh_from_db()
    assert (boss.is_staff, boss.is_superuser, boss.groups.count()) == (True, False, 1)


def test_an_operator_sees_no_users(client: Client) -> None:
    operator = staff_client(staff_make("op", "operator"))
    ana = user_make("ana")
    assert operator.get(USERS).status_code == 403
    assert operator.get(f"{USERS}{ana.pk}/change/").status_code == 403
    assert operator.get(f"{USERS}suspend/?ids={ana.pk}").status_code == 403


def test_sessions_end_by_button(desk: Client) -> None:
    ana = user_make("ana")
    api = client_for(ana)
    assert desk.post(f"{USERS}{ana.pk}/do/signout/").status_code == 302
    assert error_of(api.get("/api/auth/me")) == (401, "not_authenticated")
    assert _actions() == ["user.sessions_end"]


def test_lists_count_and_filter(desk: Client) -> None:
    ana, ben = user_make("ana"), user_make("ben")
    reply = exchange_make(conversation_make(ana), "hi", "hello")
    exchange_make(reply.conversation, "and", "so")
    report_make(user=ana, message_id=reply.pk, reason=ReportReason.WRONG)
    Report.objects.create(message=reply, reason=ReportReason.HARMFUL, author=ana)
    Session.objects.filter(user=ben).update(last_seen_at=timezone.now() - timedelta(days=3))
    rows = {str(user): user.counts for user in desk.get(USERS).context["cl"].result_list}
    counts = rows["ana"]
    assert (counts.conversations, counts.messages, counts.prompts_week) == (1, 4, 2)
    assert (counts.reports_against, counts.reports_by) == (1, 1)
    assert rows["ben"].messages == 0

    def names(query: str) -> set[str]:
        return {str(user) for user in desk.get(f"{USERS}?{query}").context["cl"].result_list}

    assert names("reports=against") == names("reports=by") == {"ana"}
    assert names("role=member") == {"ana", "ben"}
    assert names("role=moderator") == {"mo"}
    client_for(ana)
    assert names("active=day") == {"ana"}


def test_the_user_page_shows_what_is_used_of_the_limits(desk: Client) -> None:
    ana = user_make("ana")
    owner = Owner.member(ana)
    for _ in range(3):
        prompt_count(owner)
    page = desk.get(f"{USERS}{ana.pk}/change/")
    shown = {limit["name"]: limit["told"] for limit in page.context["quota"]}
    assert shown["Prompts a day"] == "3 of 2000"
    assert shown["Prompts a minute"].startswith("3 of ")
    assert shown["Replies at once"].startswith("0 of ")
    assert "3 of 2000" in page.content.decode()
