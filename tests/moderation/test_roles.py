"""Roles: what the table of `moderation.roles` says is what groups may do, and what staff sees."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.test import Client

from accounts.models import User
from moderation.roles import ADMIN, EVERYTHING, ROLES, is_admin
from tests.accounts.clients import user_make

pytestmark = pytest.mark.django_db


def member_of(role: str) -> User:
    user = user_make(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return User.objects.get(pk=user.pk)


def pages_of(role: str) -> set[str]:
    client = Client()
    client.force_login(member_of(role))
    groups = client.get("/admin/").context["navigation"]
    return {item["name"] for group in groups for item in group["items"]}


def test_each_right_of_the_table_exists() -> None:
    known = {
        f"{right.content_type.app_label}.{right.codename}"
        for right in Permission.objects.select_related("content_type")
    }
    named = set().union(*ROLES.values()) - {EVERYTHING}
    assert named - known == set()


@pytest.mark.parametrize("role", ROLES)
def test_a_group_has_just_the_rights_of_its_role(role: str) -> None:
    if EVERYTHING in ROLES[role]:
        assert Group.objects.get(name=role).permissions.count() == Permission.objects.count()
    else:
        assert member_of(role).get_all_permissions() == ROLES[role]


def test_a_right_given_by_hand_goes_with_the_next_migrate() -> None:
    group = Group.objects.get(name="operator")
    group.permissions.add(Permission.objects.get(codename="delete_user"))
    call_command("migrate", verbosity=0)
    assert not group.permissions.filter(codename="delete_user").exists()


def test_staff_sees_what_the_role_is_for() -> None:
    moderation = {"Reports", "Users", "Conversations", "Feedback"}
    operation = {"Workers", "Generations"}
    seen = {role: pages_of(role) for role in ROLES}
    assert moderation <= seen["moderator"]
    assert not operation & seen["moderator"]
    assert operation <= seen["operator"]
    assert not moderation & seen["operator"]
    assert moderation | operation | {"Audit log"} <= seen[ADMIN]
    assert "Audit log" not in seen["moderator"] | seen["operator"]


@pytest.mark.parametrize("path", ["accounts/user", "chat/conversation", "chat/report", "workers"])
def test_what_is_not_shown_is_not_reachable(path: str) -> None:
    role = "moderator" if path == "workers" else "operator"
    client = Client()
    client.force_login(member_of(role))
    assert client.get(f"/admin/{path}/").status_code == 403


def test_admins_are_who_may_make_others_staff() -> None:
    assert is_admin(member_of(ADMIN))
    assert is_admin(user_make("root", is_superuser=True))
    assert not is_admin(member_of("moderator"))


def test_the_badge_in_the_navigation_counts_open_reports(django_assert_num_queries: Any) -> None:
    from chat.models import Report, ReportReason

    ana = user_make("ana")
    Report.objects.bulk_create(
        Report(reporter=ana, reason=ReportReason.OTHER, text="x") for _ in range(101)
    )
    client = Client()
    client.force_login(member_of("moderator"))
    groups = client.get("/admin/chat/feedback/").context["navigation"]
    counts = {item["name"]: item["count"] for group in groups for item in group["items"]}
    assert counts["Reports"] == "99+"
