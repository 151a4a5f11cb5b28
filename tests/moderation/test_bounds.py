"""Actions on many rows have an end, and say so before they begin."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.keys import key_create
from accounts.models import ApiKey, User
from chat.models import Conversation, Feedback, Rating
from moderation.models import AuditEntry
from tests.accounts.clients import user_make
from tests.chat.factories import conversation_make, exchange_make
from tests.moderation.people import staff_client, staff_make

pytestmark = pytest.mark.django_db
MAX = 3


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr("moderation.admin.base.AT_ONCE_MAX", MAX)
    monkeypatch.setattr("moderation.admin.opinions.EXPORT_MAX", MAX)
    return staff_client(staff_make("boss", "admin"))


def _act(client: Client, address: str, action: str, chosen: list[int], **more: Any) -> Any:
    form = {"action": action, "_selected_action": chosen, **more}
    return client.post(address, form, follow=True)


@pytest.mark.parametrize("action", ["lift", "end_sessions", "delete_selected"])
@pytest.mark.parametrize("is_across", [True, False])
def test_of_too_many_users_none_is_changed(office: Client, action: str, is_across: bool) -> None:
    users = [user_make(f"user{number}") for number in range(MAX + 1)]
    User.objects.filter(username__startswith="user").update(is_active=False)
    ids = [user.pk for user in users]
    more = {"select_across": "1"} if is_across else {"select_across": "0"}
    chosen = ids[:1] if is_across else ids
    page = _act(office, "/admin/accounts/user/?q=user", action, chosen, post="yes", **more)
    assert "At most 3 at a time" in page.content.decode()
    assert User.objects.filter(username__startswith="user", is_active=False).count() == MAX + 1
    assert not AuditEntry.objects.exists()
    _act(office, "/admin/accounts/user/", "lift", ids[:MAX])
    assert User.objects.filter(username__startswith="user", is_active=True).count() == MAX


def test_nor_of_conversations_and_keys(office: Client) -> None:
    ana = user_make("ana")
    chats = [conversation_make(ana) for _ in range(MAX + 1)]
    keys = [key_create(user=ana, name=str(number))[0] for number in range(MAX + 1)]
    for address, action, rows in (
        ("/admin/chat/conversation/", "delete_selected", chats),
        ("/admin/accounts/apikey/", "revoke", keys),
    ):
        page = _act(office, address, action, [rows[0].pk], select_across="1", post="yes")
        assert "At most 3 at a time" in page.content.decode()
    assert Conversation.objects.count() == ApiKey.objects.count() == MAX + 1


def test_an_export_of_too_much_is_for_the_command(office: Client) -> None:
    ana = user_make("ana")
    User.objects.filter(pk=ana.pk).update(may_train=True)
    for number in range(MAX + 1):
        reply = exchange_make(conversation_make(ana), "p", str(number))
        Feedback.objects.create(message=reply, user=ana, rating=Rating.UP)
    ids = [*Feedback.objects.values_list("pk", flat=True)]
    page = _act(office, "/admin/chat/feedback/", "export", ids)
    assert "export_feedback" in page.content.decode()
    assert not AuditEntry.objects.filter(action="feedback.export").exists()
    file = _act(office, "/admin/chat/feedback/", "export", ids[:MAX])
    assert len(b"".join(file.streaming_content).splitlines()) == MAX
    file.close()
