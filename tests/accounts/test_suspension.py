"""A suspension says why and until when, locks out by every way in, and ends by itself."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.errors import Invalid, Suspended
from accounts.keys import key_create, key_user
from accounts.models import User
from accounts.services import user_reactivate, user_suspend
from accounts.suspension import suspensions_lift
from accounts.tasks import lift_suspensions
from accounts.tokens import tokens_issue, tokens_rotate
from moderation.models import AuditEntry
from tests.accounts.clients import COOKIE, PASSWORD, client_for, error_of, user_make

pytestmark = pytest.mark.django_db

UNTIL = timezone.now().replace(microsecond=0) + timedelta(days=2)


@pytest.fixture
def ana() -> User:
    return user_make("ana")


def login() -> Any:
    body = {"username": "ana", "password": PASSWORD}
    return APIClient().post("/api/auth/login", body)


def over(user: User) -> None:
    """The time of the suspension is over; nobody has noticed."""
    past = timezone.now() - timedelta(seconds=1)
    User.objects.filter(pk=user.pk).update(suspended_until=past)


def test_answers_say_why_and_until_when(ana: User) -> None:
    client, pair = client_for(ana), tokens_issue(user=ana)
    _, secret = key_create(user=ana, name="notebook")
    user_suspend(user=ana, reason="  Spam,\nagain\x00 ", until=UNTIL)
    refreshing = APIClient()
    refreshing.cookies[COOKIE] = pair.refresh
    answers = {
        "me": client.get("/api/auth/me"),
        "ticket": client.post("/api/auth/ws-ticket"),
        "chat": client.post("/api/chat", {"message": "hi"}),
        "login": login(),
        "refresh": refreshing.post("/api/auth/refresh"),
    }
    for name, answer in answers.items():
        assert error_of(answer) == (403, "suspended"), name
        body = answer.json()
        assert body["reason"] == "Spam, again", name
        assert body["until"] == UNTIL.isoformat().replace("+00:00", "Z"), name
    v1 = APIClient(headers={"Authorization": f"Bearer {secret}"}).get("/v1/models")
    error = v1.json()["error"]
    assert (v1.status_code, error["code"], error["reason"]) == (403, "suspended", "Spam, again")
    assert f"{UNTIL:%Y-%m-%d %H:%M}" in error["message"]


def test_without_an_end_until_is_null(ana: User) -> None:
    user_suspend(user=ana)
    body = login().json()
    assert (body["reason"], body["until"]) == ("", None)
    assert body["detail"] == "This account is suspended."


def test_a_wrong_password_tells_nothing_of_it(ana: User) -> None:
    user_suspend(user=ana, reason="Spam")
    body = {"username": "ana", "password": "not hers at all"}
    answer = APIClient().post("/api/auth/login", body)
    assert error_of(answer) == (401, "invalid_credentials")
    assert "reason" not in answer.json()


def test_the_first_sign_in_after_its_end_lifts_it(ana: User) -> None:
    client = client_for(ana)
    user_suspend(user=ana, reason="Spam", until=UNTIL)
    over(ana)
    assert login().status_code == 200
    ana.refresh_from_db()
    assert ana.is_active
    assert (ana.suspended_at, ana.suspended_until, ana.suspension_reason) == (None, None, "")
    assert error_of(client.get("/api/auth/me")) == (401, "not_authenticated"), "old sessions ended"


def test_a_key_works_again_after_its_end(ana: User) -> None:
    _, secret = key_create(user=ana, name="notebook")
    user_suspend(user=ana, until=UNTIL)
    with pytest.raises(Suspended):
        key_user(secret=secret)
    over(ana)
    assert key_user(secret=secret).is_active


def test_the_task_lifts_what_is_over_and_nothing_else(ana: User) -> None:
    ben, cleo = user_make("ben"), user_make("cleo")
    for user in (ana, ben):
        user_suspend(user=user, until=UNTIL)
    user_suspend(user=cleo)
    over(ana)
    lift_suspensions()
    assert list(User.objects.filter(is_active=True)) == [ana]
    assert suspensions_lift() == 0


def test_a_second_one_sets_reason_and_end_anew(ana: User) -> None:
    user_suspend(user=ana, reason="Spam", until=UNTIL)
    ana.refresh_from_db()
    since = ana.suspended_at
    user_suspend(user=ana, reason="More spam")
    ana.refresh_from_db()
    assert (ana.suspended_at, ana.suspended_until) == (since, None)
    assert ana.suspension_reason == "More spam"


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"until": timezone.now() - timedelta(minutes=1)}, "until"),
        ({"reason": "x" * 301}, "reason"),
    ],
)
def test_what_makes_no_sense_changes_nothing(ana: User, wish: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        user_suspend(user=ana, **wish)
    assert list(caught.value.data["fields"]) == [field]
    ana.refresh_from_db()
    assert ana.is_active


def test_lifted_by_hand_sessions_stay_ended(ana: User) -> None:
    pair = tokens_issue(user=ana)
    user_suspend(user=ana, reason="Spam", until=UNTIL)
    user_reactivate(user=ana)
    assert login().status_code == 200
    client = APIClient()
    client.cookies[COOKIE] = pair.refresh
    assert error_of(client.post("/api/auth/refresh")) == (401, "not_authenticated")
    with pytest.raises(Exception, match="ended"):
        tokens_rotate(raw_refresh=pair.refresh)


def test_the_admin_session_of_staff_ends(admin_client: Any, admin_user: User) -> None:
    assert admin_client.get("/admin/").status_code == 200
    user_suspend(user=admin_user)
    answer = admin_client.get("/admin/")
    assert (answer.status_code, answer["Location"]) == (302, "/admin/login/?next=/admin/")


def test_command_suspends_and_lifts(ana: User, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("suspend_user", "ANA", "--reason", "Spam", "--for", "7d")
    ana.refresh_from_db()
    assert not ana.is_active
    left = ana.suspended_until - timezone.now()  # type: ignore[operator]
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)
    assert "ana is suspended until" in capsys.readouterr().out
    entry = AuditEntry.objects.get(action="user.suspend")
    assert (entry.actor, entry.target_id) == (None, str(ana.pk))
    assert entry.detail["reason"] == "Spam"
    assert entry.detail["by"] == "command"
    call_command("suspend_user", "ana", "--lift")
    assert User.objects.get(pk=ana.pk).is_active
    assert AuditEntry.objects.filter(action="user.reactivate", target_id=str(ana.pk)).exists()


def test_command_reads_a_moment(ana: User) -> None:
    call_command("suspend_user", "ana", "--until", "2099-12-31T18:00")
    ana.refresh_from_db()
    assert ana.suspended_until is not None
    assert ana.suspended_until.isoformat() == "2099-12-31T18:00:00+00:00"
    call_command("suspend_user", "ana", "--until", "2098-01-02")
    ana.refresh_from_db()
    assert ana.suspended_until.isoformat() == "2098-01-02T00:00:00+00:00"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nobody"], "There is no user"),
        (["ana", "--for", "7"], "is no duration"),
        (["ana", "--for", "999999w"], "is too long"),
        (["ana", "--until", "soon"], "is no time"),
        (["ana", "--until", "2099-02-31"], "is no time"),
        (["ana", "--until", "2001-01-01"], "until: This moment has passed"),
        (["ana", "--reason", "x" * 301], "reason: At most 300"),
        (["ana", "--lift"], "is not suspended"),
        (["ana", "--lift", "--reason", "x"], "needs no --reason"),
        (["ana", "--lift", "--for", "7d"], "not allowed with"),
    ],
)
def test_command_says_what_is_wrong(ana: User, arguments: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        call_command("suspend_user", *arguments)
    ana.refresh_from_db()
    assert ana.is_active
    assert not AuditEntry.objects.exists()
