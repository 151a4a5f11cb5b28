"""Messages of members whose account is not what it was when their socket opened."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync

from accounts.models import User
from accounts.services import user_suspend
from chat.errors import ApiError, NotAuthenticated, Suspended
from chat.generation.submit import Owner
from chat.handlers import Chat, handle
from chat.models import Generation
from chat.protocol import Prompt
from chat.relays import Relays

PROMPT = Prompt(type="prompt", text="hi", client_id="c")


async def nobody_hears(*said: Any) -> None:
    raise AssertionError(said)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("tiny", "sent")
@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda user: user_suspend(user=user), Suspended),
        (lambda user: User.objects.filter(pk=user.pk).delete(), NotAuthenticated),
    ],
)
def test_a_prompt_in_the_second_before_the_socket_closes(
    user: User, change: Any, error: type[ApiError]
) -> None:
    change(User.objects.get(pk=user.pk))
    chat = Chat(Owner.member(user), nobody_hears, Relays(nobody_hears))
    with pytest.raises(error):
        async_to_sync(handle)(chat, PROMPT)
    assert not Generation.objects.exists()
