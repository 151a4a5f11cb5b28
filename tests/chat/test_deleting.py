"""What a moderator deletes is gone from what was made of it, too: titles and public copies."""

from typing import Any

import pytest
from django.test import Client

from chat.models import Conversation, Message, Share
from chat.services.hiding import message_hide
from chat.services.messages import messages_delete
from chat.services.shares import share_create
from tests.accounts.clients import user_make
from tests.chat.factories import conversation_make, exchange_make

pytestmark = pytest.mark.django_db

WORDS = "what nobody should read"


@pytest.fixture
def share() -> Share:
    conversation = conversation_make(user_make("ana"), WORDS)
    exchange_make(conversation, WORDS, "No.")
    return share_create(conversation=conversation, expires_in_days=None)


def _read(share: Share) -> Any:
    answer = Client().get(f"/api/shared/{share.slug}")
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize("is_hidden_before", [False, True])
def test_deleted_words_are_in_no_share(share: Share, is_hidden_before: bool) -> None:
    prompt = Message.objects.get(content=WORDS)
    if is_hidden_before:
        message_hide(message=prompt)
    messages_delete(messages=[prompt])
    shared = _read(share)
    assert WORDS not in str(shared)
    assert [(m["content"], m["is_hidden"]) for m in shared["messages"]] == [("", True)] * 2


def test_a_title_made_of_deleted_words_goes(share: Share) -> None:
    messages_delete(messages=[Message.objects.get(content=WORDS)])
    assert Conversation.objects.get().title == "New chat"
