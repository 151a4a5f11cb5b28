"""Who of the staff can make or unmake whom: nobody rises by the admin's own forms."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from accounts.keys import key_create
from accounts.models import ApiKey, User
from chat.models import Report
from moderation.models import AuditEntry
from moderation.roles import is_admin
from tests.accounts.clients import PASSWORD, user_make
from tests.chat.factories import conversation_make, exchange_make
from tests.moderation.people import staff_client, staff_make

pytestmark = pytest.mark.django_db
USERS = "/admin/accounts/user/"
NEW = "another horse 9"
NEW_PASSWORD = {"password1": NEW, "password2": NEW, "usable_password": "true"}


@pytest.fixture
def everybody(db: None) -> dict[str, User]:
    return {
        "ana": user_make("ana"),
        "mo": staff_make("moe", "moderator"),
        "peer": staff_make("peer", "moderator"),
        "op": staff_make("opa", "operator"),
        "boss": staff_make("boss", "admin"),
        "root": user_make("root", is_staff=True, is_superuser=True),
    }


def _facts() -> list[tuple[object, ...]]:
    rows = User.objects.order_by("pk").prefetch_related("groups")
    return [
        (u.username, u.password, u.email, u.is_staff, u.is_superuser, u.is_active,
         sorted(g.name for g in u.groups.all()))
        for u in rows
    ]  # fmt: skip


def _form(user: User) -> dict[str, object]:
    groups = list(Group.objects.values_list("pk", flat=True))
    return {
        "username": user.username, "is_staff": "on", "is_superuser": "on", "groups": groups,
        "email": "taken@example.org", "pending_email": "taken@example.org", "is_active": "",
        "password": "pbkdf2_sha256$1$a$b", "user_permissions": [1],
    }  # fmt: skip


@pytest.mark.parametrize("who", ["mo", "op"])
def test_neither_moderators_nor_operators_change_any_account(
    everybody: dict[str, User], who: str
) -> None:
    client, before = staff_client(everybody[who]), _facts()
    for user in everybody.values():
        assert client.post(f"{USERS}{user.pk}/change/", _form(user)).status_code == 403
        assert client.post(f"{USERS}{user.pk}/password/", NEW_PASSWORD).status_code == 403
        assert client.get(f"{USERS}{user.pk}/password/").status_code == 403
        assert client.post(f"{USERS}{user.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"{USERS}add/", {"username": "eve", **NEW_PASSWORD}).status_code == 403
    assert _facts() == before
    assert not AuditEntry.objects.exists()


def test_moderators_suspend_no_staff_by_form_button_or_action(
    everybody: dict[str, User],
) -> None:
    desk, before = staff_client(everybody["mo"]), _facts()
    staff = [user for name, user in everybody.items() if name != "ana"]
    ids = ",".join(str(user.pk) for user in staff)
    form = {"ids": ids, "reason": "no", "length": "ever"}
    assert b"Nobody to suspend" in desk.get(f"{USERS}suspend/?ids={ids}").content
    desk.post(f"{USERS}suspend/", form)
    chosen = {"_selected_action": [user.pk for user in staff]}
    for action in ("suspend", "lift", "end_sessions"):
        desk.post(USERS, {**chosen, "action": action}, follow=True)
    assert _facts() == before
    mixed = {**form, "ids": f"{ids},{everybody['ana'].pk}"}
    desk.post(f"{USERS}suspend/", mixed)
    suspended = User.objects.filter(is_active=False).values_list("username", flat=True)
    assert list(suspended) == ["ana"], "who may be touched, of all who were named"


def test_admins_make_no_superuser_of_themselves_or_others(everybody: dict[str, User]) -> None:
    boss = everybody["boss"]
    assert is_admin(boss)
    office = staff_client(boss)
    for user in (boss, everybody["ana"], everybody["mo"]):
        assert office.post(f"{USERS}{user.pk}/change/", _form(user)).status_code == 302
    made = {"username": "eve", "is_superuser": "on", "is_staff": "on", **NEW_PASSWORD}
    assert office.post(f"{USERS}add/", made).status_code == 302
    superusers = User.objects.filter(is_superuser=True).values_list("username", flat=True)
    assert list(superusers) == ["root"]
    boss.refresh_from_db()
    assert [group.name for group in boss.groups.all()] == ["admin"], "nor changes the own roles"
    ana = User.objects.get(username="ana")
    assert ana.is_staff
    assert (ana.email, ana.pending_email, ana.is_active) == ("", "", True), "no field of the form"
    assert ana.check_password(PASSWORD)
    assert not User.objects.get(username="eve").is_staff


def test_admins_touch_no_superuser(everybody: dict[str, User]) -> None:
    root, before = everybody["root"], _facts()
    office = staff_client(everybody["boss"])
    assert office.post(f"{USERS}{root.pk}/change/", {"username": "x"}).status_code == 403
    assert office.post(f"{USERS}{root.pk}/password/", NEW_PASSWORD).status_code == 403
    assert office.post(f"{USERS}{root.pk}/delete/", {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [root.pk], "post": "yes"}
    office.post(USERS, chosen)
    office.post(f"{USERS}suspend/", {"ids": str(root.pk), "reason": "no", "length": "ever"})
    assert _facts() == before


def test_moderators_touch_nothing_of_staff_above_them(everybody: dict[str, User]) -> None:
    desk = staff_client(everybody["mo"])
    boss, ana = everybody["boss"], everybody["ana"]
    keys = [key_create(user=user, name="k")[0].pk for user in (boss, ana)]
    replies = [exchange_make(conversation_make(user), "p", "r") for user in (boss, ana)]
    chats = [reply.conversation for reply in replies]
    reports = [Report.objects.create(message=reply, reason="other") for reply in replies]
    for reply, chat, report in zip(replies, chats, reports, strict=True):
        desk.post(f"/admin/chat/message/{reply.pk}/do/hide/", follow=True)
        desk.post(f"/admin/chat/conversation/{chat.pk}/do/hide/", follow=True)
        desk.post(f"/admin/chat/report/{report.pk}/decide/", {"do": "hide_conversation"})
    page = desk.get(f"/admin/chat/report/{reports[0].pk}/change/").content.decode()
    assert "hide_conversation" not in page
    for reply, chat in zip(replies, chats, strict=True):
        reply.refresh_from_db()
        chat.refresh_from_db()
    assert [reply.is_hidden for reply in replies] == [False, True]
    assert [chat.hidden_at is not None for chat in chats] == [False, True]
    assert [r.state for r in Report.objects.order_by("pk")] == ["open", "acted"]
    desk.post("/admin/accounts/apikey/", {"action": "revoke", "_selected_action": keys})
    assert list(ApiKey.objects.values_list("user__username", flat=True)) == ["boss"]
    for name, rows in (("message", replies), ("conversation", chats)):
        one = {"post": "yes"}
        assert desk.post(f"/admin/chat/{name}/{rows[0].pk}/delete/", one).status_code == 403
        many = {"action": "delete_selected", "_selected_action": [rows[0].pk], **one}
        desk.post(f"/admin/chat/{name}/", many)
        assert type(rows[0]).objects.filter(pk=rows[0].pk).exists()
    assert (
        desk.post(f"/admin/accounts/apikey/{keys[0]}/delete/", {"post": "yes"}).status_code == 403
    )


def test_a_role_is_not_kept_by_who_is_suspended(everybody: dict[str, User]) -> None:
    boss = everybody["boss"]
    client = staff_client(boss)
    User.objects.filter(pk=boss.pk).update(is_active=False)
    boss.refresh_from_db()
    assert not is_admin(boss)
    assert client.get(USERS).status_code == 302
    assert Client().get(USERS).status_code == 302
