"""Two requests about one conversation at the same time: each gets an answer that is true."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import transaction

from accounts.models import User
from chat.errors import NotFound
from chat.generation.branches import write_exchange
from chat.models import Conversation, Message
from chat.services.conversations import conversation_delete, conversation_update
from tests.chat.factories import conversation_make, exchange_make
from tests.support.races import in_thread, wait_for_lock


@pytest.mark.parametrize("name", ["title", "head"])
def test_a_change_of_what_was_just_deleted_finds_nothing(user: User, name: str) -> None:
    conversation = conversation_make(user)
    head = exchange_make(conversation, "hi", "hello")
    Conversation.objects.all().delete()
    with pytest.raises(NotFound):
        conversation_update(
            conversation=conversation, changes={name: head.pk if name == "head" else "x"}
        )


@pytest.mark.django_db(transaction=True)
def test_a_prompt_that_comes_while_its_conversation_is_deleted_goes_with_it(user: User) -> None:
    conversation = conversation_make(user)
    exchange_make(conversation, "hi", "hello")
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            write_exchange(user, conversation.pk, "and?")
            deleting = in_thread(pool, lambda: conversation_delete(conversation=conversation))
            wait_for_lock()
        deleting.result(timeout=30)
    assert not Conversation.objects.exists()
    assert not Message.objects.exists()
