"""Two requests about one conversation at the same time: each gets an answer that is true."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import User
from chat.errors import NotFound
from chat.generation.branches import write_exchange
from chat.models import Conversation, Message
from chat.services.conversations import conversation_delete, conversation_update
from tests.chat.factories import conversation_make, exchange_make


@pytest.mark.parametrize("name", ["title", "head"])
def test_a_change_of_what_was_just_deleted_finds_nothing(user: User, name: str) -> None:
    conversation = conversation_make(user)
    head = exchange_make(conversation, "hi", "hello")
    Conversation.objects.all().delete()
    with pytest.raises(NotFound):
        conversation_update(
            conversation=conversation, changes={name: head.pk if name == "head" else "x"}
        )


def _in_thread(pool: ThreadPoolExecutor, work: Callable[[], Any]) -> Any:
    def run() -> Any:
        try:
            return work()
        finally:
            connection.close()

    return pool.submit(run)


def _wait_for_lock() -> None:
    """Until some connection waits for another one's row."""
    for _ in range(300):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.05)
    raise AssertionError("nobody waits")


@pytest.mark.django_db(transaction=True)
def test_a_prompt_that_comes_while_its_conversation_is_deleted_goes_with_it(user: User) -> None:
    conversation = conversation_make(user)
    exchange_make(conversation, "hi", "hello")
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            write_exchange(user, conversation.pk, "and?")
            deleting = _in_thread(pool, lambda: conversation_delete(conversation=conversation))
            _wait_for_lock()
        deleting.result(timeout=30)
    assert not Conversation.objects.exists()
    assert not Message.objects.exists()
