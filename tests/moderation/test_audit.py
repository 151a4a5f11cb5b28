"""The audit log: what staff does is in it, and no name outlives its account."""

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client, RequestFactory

from accounts.models import User
from accounts.removal import account_erase
from accounts.request_ids import working_for
from chat.models import Feedback, Rating
from chat.services.opinions import feedback_set
from moderation.audit import record
from moderation.models import AuditEntry
from tests.accounts.clients import user_make
from tests.chat.factories import conversation_make, exchange_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> User:
    return user_make("root", is_staff=True, is_superuser=True)


@pytest.fixture
def admin(root: User) -> Client:
    client = Client()
    client.force_login(root)
    return client


def acts() -> list[tuple[str, str, str]]:
    rows = AuditEntry.objects.order_by("id")
    return list(rows.values_list("actor_name", "action", "target_name"))


def everything() -> str:
    return json.dumps(list(AuditEntry.objects.values()), default=str)


def test_record_names_who_what_and_the_request(root: User) -> None:
    request: Any = RequestFactory().get("/admin/")
    request.user = root
    with working_for("abc-12345"):
        entry = record(request, "user.suspend", user_make("ana"), {"reason": "spam"})
    entry.refresh_from_db()
    assert (entry.actor, entry.actor_name, entry.action) == (root, "root", "user.suspend")
    assert (entry.target_type, entry.target_name) == ("accounts.user", "ana")
    assert (entry.detail, entry.request_id) == ({"reason": "spam"}, "abc-12345")


def test_titles_are_not_written_they_quote_messages(root: User) -> None:
    chat = conversation_make(user_make("ana"), "My secret illness")
    assert record(root, "conversation.read", chat).target_name == f"conversation {chat.pk}"


def test_what_the_staff_deletes_is_written_once_and_not_in_django_s_log(admin: Client) -> None:
    reply = exchange_make(conversation_make(user_make("ana")), "hi", "hello there")
    response = admin.post(f"/admin/chat/message/{reply.pk}/delete/", {"post": "yes"})
    assert response.status_code == 302
    assert acts() == [("root", "message.delete", f"message {reply.pk}")]
    assert not LogEntry.objects.exists()
    assert "hello there" not in everything()


def test_an_account_s_name_leaves_the_log_with_it(root: User) -> None:
    helper = user_make("helper", is_staff=True)
    ana = user_make("ana")
    record(helper, "user.suspend", ana)
    record(root, "user.add", helper)
    ids = helper.pk, ana.pk
    account_erase(user=ana)
    account_erase(user=helper)
    name, about = f"deleted staff #{ids[0]}", f"deleted user #{ids[1]}"
    assert acts() == [(name, "user.suspend", about), ("root", "user.add", name)]
    assert AuditEntry.objects.filter(actor=None).count() == 1
    assert "helper" not in everything()
    assert '"ana"' not in everything()


def test_who_is_deleted_at_this_moment_is_not_named_any_more(root: User) -> None:
    ana = user_make("ana")
    held = User.objects.get(pk=ana.pk)
    account_erase(user=ana)
    assert record(root, "user.delete", held).target_name == f"deleted user #{held.pk}"


def test_an_action_that_writes_nothing_itself_is_written_as_a_whole(admin: Client) -> None:
    from django.contrib import admin as site

    feedback_admin: Any = site.site.get_model_admin(Feedback)
    feedback_admin.actions = [*(feedback_admin.actions or ()), _touch]
    try:
        ana = user_make("ana")
        reply = exchange_make(conversation_make(ana), "hi", "hello")
        feedback_set(user=ana, message_id=reply.pk, rating=Rating.UP)
        pk = Feedback.objects.get().pk
        admin.post("/admin/chat/feedback/", {"action": "_touch", "_selected_action": [pk]})
    finally:
        feedback_admin.actions = feedback_admin.actions[:-1]
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.detail) == ("feedback._touch", {"ids": [str(pk)]})


def _touch(model_admin: Any, request: Any, rows: Any) -> None:
    """Does nothing and says nothing."""


def test_the_history_of_a_row_is_the_log_s(admin: Client, root: User) -> None:
    ana = user_make("ana")
    record(root, "report.read", ana)
    chat = conversation_make(ana)
    record(root, "conversation.hide", chat)
    page = admin.get(f"/admin/chat/conversation/{chat.pk}/history/").content.decode()
    assert "conversation.hide" in page
    assert "report.read" not in page
