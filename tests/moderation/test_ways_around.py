"""Ways around the audit log: other verbs, and acts that would leave no trace."""

import pytest

from accounts.keys import key_create
from accounts.models import ApiKey, User
from chat.models import Message
from moderation.models import AuditEntry
from tests.accounts.clients import user_make
from tests.chat.factories import conversation_make, exchange_make
from tests.moderation.people import staff_client, staff_make

pytestmark = pytest.mark.django_db

SECRET = "my secret is a purple elephant"


@pytest.fixture
def prompt() -> Message:
    reply = exchange_make(conversation_make(user_make("ana"), "About"), SECRET, "I will keep it.")
    assert reply.parent is not None
    return reply.parent


@pytest.mark.parametrize("verb", ["OPTIONS", "HEAD", "GET", "POST", "TRACE", "FOO"])
def test_no_verb_shows_a_message_without_an_entry(prompt: Message, verb: str) -> None:
    """A message is read where its conversation's reading is written down."""
    client = staff_client(staff_make("mia", "moderator"))
    answer = client.generic(verb, f"/admin/chat/message/{prompt.pk}/change/")
    assert SECRET not in answer.content.decode()
    assert answer.status_code in (302, 403, 405)
    answer = client.generic(verb, f"/admin/chat/conversation/{prompt.conversation_id}/change/")
    is_told = SECRET in answer.content.decode()
    if is_told or verb != "HEAD":
        assert is_told == AuditEntry.objects.filter(action="conversation.read").exists()


def test_a_revoked_key_is_in_the_log() -> None:
    ana = user_make("ana")
    key, _ = key_create(user=ana, name="mine")
    client = staff_client(staff_make("mia", "moderator"))
    asked = {"action": "revoke", "_selected_action": [key.pk]}
    assert client.post("/admin/accounts/apikey/", asked).status_code == 302
    assert not ApiKey.objects.exists()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target_id) == ("apikey.revoke", str(key.pk))


def test_a_deletion_that_is_refused_is_not_in_the_log() -> None:
    boss = user_make("boss", is_staff=True, is_superuser=True)
    client = staff_client(staff_make("ada", "admin"))
    asked = {"action": "delete_selected", "_selected_action": [boss.pk], "post": "yes"}
    assert client.post("/admin/accounts/user/", asked).status_code == 403
    assert User.objects.filter(pk=boss.pk).exists()
    assert not AuditEntry.objects.exists()
