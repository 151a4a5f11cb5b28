"""What deletes a reply and what stores its end never wait for each other."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import User
from chat.generation.lifecycle import Outcome, generation_claim, generation_finish
from chat.generation.submit import Owner, generation_submit
from chat.models import Conversation, FinishReason, Generation, Message, Status
from chat.services.conversations import BulkAction, conversation_delete, conversations_bulk
from chat.services.messages import messages_delete
from tests.accounts.clients import user_make

PAUSE_S = 0.2


def one(user: User) -> None:
    conversation_delete(conversation=Conversation.objects.get(user=user))


def many(user: User) -> None:
    conversations_bulk(user=user, ids=None, action=BulkAction.DELETE)


def first_message(user: User) -> None:
    messages_delete(messages=Message.objects.filter(conversation__user=user, parent=None))


class Slowly:
    """Waits after each statement; `has_locked` is set after the first that keeps others away."""

    def __init__(self) -> None:
        self.has_locked = threading.Event()

    def __call__(self, execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        result = execute(sql, *more)
        if "FOR UPDATE" in sql or sql.startswith('DELETE FROM "chat_message"'):
            self.has_locked.set()
        if self.has_locked.is_set():
            time.sleep(PAUSE_S)
        return result


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize("delete", [one, many, first_message])
def test_a_reply_ends_while_it_is_deleted(
    delete: Callable[[User], None], tiny_folder: Path
) -> None:
    call_command("load_checkpoint", str(tiny_folder))
    user = user_make()
    generation_submit(owner=Owner.member(user), text="hi")
    generation = generation_claim(worker_id="w1")
    assert generation is not None
    deleting = Slowly()
    errors: list[Exception] = []

    def run() -> None:
        try:
            with connection.execute_wrapper(deleting):
                delete(user)
        except Exception as error:  # noqa: BLE001  (told below)
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert deleting.has_locked.wait(20)
    outcome = Outcome(Status.COMPLETED, FinishReason.STOP, text="x")
    is_mine = generation_finish(generation=generation, outcome=outcome)
    thread.join(20)
    assert errors == []
    assert not is_mine
    assert not Generation.objects.exists()
